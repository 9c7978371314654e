from smetka.ledger_location import ledger_path as ledger_path
