"""What each kind of problem means to whoever met it, and what helps. The text of /problems/<slug>."""

from __future__ import annotations

from smetka.bonus import errors as bonus
from smetka.core import errors
from smetka.core.errors import Refusal
from smetka.web import refusals

ADVICE: dict[type[Refusal], str] = {
    refusals.BadRequest: (
        "The request breaks HTTP's own rules: it names no Host, its lengths contradict each other or its "
        "body ends early. An ordinary HTTP client does not send such requests; look at what stands between "
        "it and this server."
    ),
    refusals.InvalidJson: (
        "Send exactly one JSON value in UTF-8. Refused as well: NaN and Infinity, the same key twice in one"
        " object, a byte order mark and nesting that no request needs."
    ),
    refusals.KeyNeeded: (
        "Send a key in the header: Authorization: Bearer smk_… A key is made on the server by smetka key "
        "create NAME --role ROLE and shown only then. This one is missing, mistyped or revoked."
    ),
    refusals.NoKeyYet: (
        "Until a key was made, only users of the machine that Smetka runs on are let in; what comes through "
        "a proxy or tunnel may be anybody's. On that machine run smetka key create owner --role owner, and "
        "sign in with the key that it prints."
    ),
    refusals.NotAllowed: (
        "The key is good, but its role does not include this. Ask whoever runs the shop for a key with "
        "another role."
    ),
    refusals.CrossSite: (
        "Whatever changes something must come from this server's own pages or from a program, not from a "
        "page of another site. Behind a proxy, name it in SMETKA_TRUSTED_PROXIES, so that the address "
        "people see is known here."
    ),
    refusals.FormExpired: (
        "Go back, load the page anew and send the form again. Forms belong to one visit, which ends after "
        "a while without use, by signing out, or when the browser keeps no cookies."
    ),
    errors.NotFound: (
        "The address is mistyped, or what it names was never there or was removed. /docs lists every address."
    ),
    errors.UnknownCustomer: (
        "No customer has this id in the shop's ledger. Nothing was stored. A customer added a moment ago is"
        " found as soon as the ledger has the row."
    ),
    refusals.MethodNotAllowed: (
        "The address is right, the method is not. The Allow header of the answer names those that are."
    ),
    refusals.RequestTimeout: (
        "The whole body must arrive within a few seconds; of a file, some within every ten seconds and all "
        "within ten minutes, and where others wait for its place at least 64 KiB a second. Nothing was done; "
        "send it again."
    ),
    errors.TotalMismatch: (
        "The shop wants the posted total to equal the ledger's (SMETKA_BONUS_VERIFY=require). Ask "
        "/total_spent/<user_id> again, for the same year or for all, and send what it says; payments may "
        "have come in between."
    ),
    errors.WrongState: (
        "What was asked for is possible only in other states, which the detail names. Nothing was changed. "
        "Ask for the thing again to see how it is now."
    ),
    refusals.TooLarge: (
        "A file to import may have 200 MiB, any other request 64 KiB. Nothing was done. A larger file can be "
        "imported on the server, by smetka ledger import."
    ),
    refusals.UriTooLong: ("The path and query together may have 8 KiB."),
    refusals.UnsupportedMediaType: (
        "Send the body as Content-Type: application/json, in UTF-8; a file to import as what it is, such as "
        "text/csv, or as application/octet-stream."
    ),
    refusals.RangeNotSatisfiable: ("Ask for the file without a Range header."),
    refusals.FileRefused: (
        "Nothing was written. line and column say where the fault is; rejects lists rows that break rules, "
        "the first hundred of them, and outcome counts them all. Correct the file, say how it is to be read, "
        "or take the other rows by skip_rejected."
    ),
    refusals.ImportOverlaps: (
        "Nothing was written. Without order ids a payment cannot be told from one that is there: name the "
        "column of order ids, or, if none of the payments was imported before, say despite_overlap."
    ),
    refusals.TakesNoImports: (
        "A ledger that is imported into is a SQLite file in the shape that the README describes, in a folder "
        "where the server may write. A ledger on a database server is filled by its own tools."
    ),
    refusals.NoRoom: (
        "Nothing was written. Whoever runs the server makes room on the disk that has the data directory, or "
        "imports the file there by smetka ledger import."
    ),
    refusals.WrongHost: (
        "The server answers only for host names it knows. Whoever runs it adds this one to "
        "SMETKA_ALLOWED_HOSTS, comma-separated with those that are to keep working."
    ),
    errors.InvalidValue: (
        "The request is well-formed, but values in it break rules. The member errors lists each with its "
        "place: a pointer into the body or the name of a parameter. Fields and query parameters that do not"
        " exist are refused too, so that a typing mistake is not taken for an answer."
    ),
    errors.Changed: (
        "What was decided about is not what is there now: another total was posted or collected, the "
        "vouchers come to another sum, or something has happened to the voucher since. Nothing was changed "
        "by this. Look at it as it is now, and decide anew; with an Idempotency-Key, by a new one."
    ),
    errors.BelowThreshold: (
        "The bonus is for customers who spent more than the threshold; reaching it exactly is not enough. "
        "Nothing was stored."
    ),
    bonus.MistypedCode: (
        "A code has twelve symbols, in three groups of four: letters without I, L and O, digits from 2 to 9. "
        "The last one is worked out from the others, and does not fit. Case, spaces and dashes do not matter."
    ),
    bonus.UnknownCode: (
        "The code is spelt as codes are, and was never issued here. It may be another shop's, or made up."
    ),
    bonus.NotYetValid: (
        "The voucher's first day has not come; valid_from is that day in the shop's time zone, and "
        "valid_from_instant the moment at which it begins. Nothing was changed."
    ),
    bonus.Expired: (
        "The voucher could be redeemed until the end of valid_until, in the shop's time zone: before "
        "expired_at; afterwards only by whoever holds a reservation of that day, until its end. Nothing "
        "was changed."
    ),
    bonus.Voided: ("Somebody with the right to has made the voucher void; its history says why."),
    bonus.AlreadyRedeemed: (
        "A voucher is redeemed once. redeemed_at says when that was; whoever may see the voucher's history "
        "finds the order there. If the first answer was lost on the way: repeating the request with the same "
        "Idempotency-Key would have told."
    ),
    bonus.Reserved: (
        "The voucher is held for a checkout that has not ended. Whoever names the same reference may redeem "
        "it, until reserved_until and not later, be that after the voucher's last day; all others wait until "
        "then."
    ),
    bonus.OtherCustomer: (
        "The request names a customer, and the voucher was issued to another one. Nothing was changed."
    ),
    bonus.KeyReused: (
        "An Idempotency-Key belongs to one request: the same one again is answered as before. This is "
        "another request; send it with a key of its own. Nothing was changed."
    ),
    bonus.InProgress: (
        "The first request with this Idempotency-Key has not been answered yet. Send it again in a moment."
    ),
    bonus.CampaignExists: (
        "A campaign's rules never change, since customers were promised them. Choose another name, or read "
        "the campaign that is there."
    ),
    refusals.TooManyRequests: (
        "Too many wrong keys, or codes that no voucher has, came from here. Wait as long as the Retry-After "
        "header says. A right key works meanwhile; no code does, from whoever guessed."
    ),
    refusals.HeadersTooLarge: ("All headers together may have 16 KiB. Large cookies are the usual cause."),
    refusals.InternalError: (
        "A fault in Smetka, not in the request. The server's log has the details under the request_id of "
        "the answer. Repeating the request is safe."
    ),
    refusals.Overloaded: ("Nothing was done. Try again after as long as the Retry-After header says."),
    refusals.NotReady: (
        "The ledger or MongoDB is away. parts names which, for those who may read. The server goes on "
        "trying and is ready again without a restart."
    ),
    errors.LedgerUnavailable: (
        "The shop's own database is missing, locked or not readable. Whoever runs the server finds the "
        "reason in its log and by smetka ledger check. It works again without a restart."
    ),
    errors.BonusStoreLate: (
        "MongoDB works and was slow with this one question: it has many records to look through, or many "
        "questions at once. Others are answered meanwhile. Ask for less, or later; a write that was under "
        "way may or may not have happened, and repeating it is safe."
    ),
    errors.BonusStoreUnusable: (
        "MongoDB answers, but refuses what Smetka needs or does not have it: a password, a right, or "
        "something that a server of another make lacks. Whoever runs the server finds the reason in its log "
        "and on /readyz, and in the documentation which servers will do. Repeating does not help until then."
    ),
    errors.BonusStoreUnavailable: (
        "MongoDB, where bonus records are kept, is away. A write that was under way may or may not have "
        "happened; repeating it is safe and never stores a customer twice."
    ),
}
