"""Reports to the managers: messages, the outbox they wait in, and the sender that delivers them."""
