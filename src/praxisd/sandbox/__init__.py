"""Programs that play the outside world, for trying out and for tests: an SMS gateway, a mail server with its mailbox."""
