"""What mail servers and mail programs say in words, where they do not say it in fields.

Phrases are looked for in lower case, in texts whose white space is single. German, English, French, Italian.
"""

import re

BOUNCER = re.compile(
    r"^\W*(?:mailer[-_. ]?daemon|mail[-_. ]?daemon|postmaster|mdaemon|maildelivery|mail[-_. ]?delivery|"
    r"bounce[sr]?|noreply-dmarc-support|microsoftexchange[0-9a-f]*)\b",
)
"""Local parts under which mail servers write."""

BOUNCE_SUBJECT = re.compile(
    r"undeliver(?:ed|able)|unzustellbar|delivery (?:status )?(?:notification|failure|failed|problem|has failed|report)|"
    r"failure notice|returned (?:mail|to sender)|mail (?:delivery|system) (?:failed|failure|error|subsystem|warning)|"
    r"delivery failure|message not delivered|could not be delivered|not delivered|"
    r"zustellung (?:fehlgeschlagen|nicht m(?:ö|oe)glich|gescheitert)|nicht zugestellt|zustellbericht|zur(?:ü|ue)ckgewiesen|"
    r"rückläufer|non[- ]remis|non distribu|échec de (?:la )?(?:remise|distribution)|"
    r"mancat[ao] (?:consegna|recapito)|impossibile recapitare|non recapitabile|"
    r"\bndr\b|non-?delivery|failed mail|mail failed|mail status report|"
    r"warning: (?:could not|message)|delayed mail|verz(?:ö|oe)ger"
)

DELAYED = (
    "this is a warning message only",
    "you do not need to resend",
    "you need not resend",
    "no need to resend",
    "will be retried",
    "will be tried again",
    "will continue to be retried",
    "delivery attempts will continue",
    "will keep trying",
    "still being retried",
    "has not yet been delivered",
    "has not been delivered yet",
    "could not be delivered for more than",
    "delivery is delayed",
    "delivery to the following recipients has been delayed",
    "delivery to these recipients or groups is delayed",
    "is delayed and",
    "delivery incomplete",
    "temporary problem delivering",
    "gmail will retry",
    "wird erneut versucht",
    "wird weiterhin versucht",
    "noch nicht zugestellt",
    "verzögert sich",
    "ist verzögert",
    "wurde verzögert",
    "zustellung wird fortgesetzt",
    "sera réessayée",
    "sera retenté",
    "n'a pas encore été remis",
    "non è stato ancora",
    "verrà ritentat",
    "has been postponed",
    "continue to try to deliver",
    "attempts will continue to be made",
)
"""It goes on: nothing is lost yet."""

GIVEN_UP = (
    "giving up",
    "given up",
    "permanent error",
    "permanent fatal error",
    "permanent failure",
    "permanently rejected",
    "could not be delivered",
    "couldn't be delivered",
    "cannot be delivered",
    "wasn't delivered",
    "was not delivered",
    "not deliverable",
    "delivery has failed",
    "delivery failed",
    "failed permanently",
    "undeliverable",
    "unable to deliver",
    "returned to sender",
    "message was not delivered",
    "did not reach the following recipient",
    "will not be retried",
    "retry timeout exceeded",
    "konnte nicht zugestellt",
    "konnten nicht zugestellt",
    "nicht zugestellt werden",
    "unzustellbar",
    "zustellung ist fehlgeschlagen",
    "endgültig fehlgeschlagen",
    "n'a pas pu être remis",
    "n'a pu être remis",
    "n'a pas pu être distribué",
    "échec de la remise",
    "non è stato possibile consegnare",
    "impossibile recapitare",
    "non è stato recapitato",
    "impossibile consegnare",
    "not delivered",
    "could not deliver",
    "not able to deliver",
    "couldn't deliver",
    "recipients failed",
    "recipient failed",
    "did not receive this message",
    "was undeliverable",
    "non-delivery",
    "has been rejected",
    "was rejected",
    "message was not accepted",
    "failed recipient",
    "encountered delivery problems",
    "nicht ausgeliefert",
    "pas pu etre delivre",
    "pas pu être délivré",
)
"""It is over."""

EXPIRED = (
    "message expired",
    "delivery time expired",
    "retry time not reached for any host after a long failure period",
    "retry timeout exceeded",
    "it has been in the queue too long",
    "in queue too long",
    "expired in queue",
    "queue for too long",
    "no longer be retried",
    "zeitlimit überschritten",
    "zeitüberschreitung bei der zustellung",
    "within the allowed queue period",
)

UNKNOWN_USER = (
    "user unknown",
    "unknown user",
    "no such user",
    "no such mailbox",
    "no mailbox here by that name",
    "unknown recipient",
    "recipient unknown",
    "unknown address",
    "address does not exist",
    "address not found",
    "mailbox unavailable",
    "mailbox not found",
    "does not exist",
    "doesn't exist",
    "not listed in",
    "no such person",
    "user doesn't have",
    "invalid recipient",
    "recipient not found",
    "recipnotfound",
    "account has been disabled",
    "account is disabled",
    "unrouteable address",
    "unrouteable mail domain",
    "host or domain name not found",
    "domain not found",
    "domain name not found",
    "unbekannter empfänger",
    "empfänger unbekannt",
    "existiert nicht",
    "adresse wurde nicht gefunden",
    "n'existe pas",
    "utilisateur inconnu",
    "adresse introuvable",
    "utente sconosciuto",
    "non esiste",
    "indirizzo non trovato",
    "user not known",
    "user not found",
    "unknown host",
    "invalid mailbox",
    "no valid recipients",
    "is not recognized",
    "not a valid mailbox",
    "no matches to nameserver",
)

FULL = (
    "mailbox full",
    "mailbox is full",
    "quota exceeded",
    "over quota",
    "exceeded storage",
    "exceeded its storage",
    "overquota",
    "insufficient storage",
    "out of storage",
    "storage space",
    "mailbox size limit",
    "inbox is full",
    "postfach ist voll",
    "postfach voll",
    "speicherplatz",
    "boîte aux lettres pleine",
    "boîte pleine",
    "quota dépassé",
    "casella piena",
    "casella di posta piena",
    "exceeding their quota",
    "full mailbox",
    "mailbox has exceeded",
)

AWAY_SUBJECT = re.compile(
    r"^\W*(?:"
    r"abwesenheits(?:notiz|nachricht|meldung|assistent)|abwesend\b|urlaubs(?:notiz|meldung|nachricht)|"
    r"nicht im b(?:ü|ue)ro|automatisch generierte|eingangsbest(?:ä|ae)tigung|"
    r"automati(?:sche|c|cal) (?:antwort|reply|response|abwesenheit|nachricht|e-?mail)|"
    r"auto[-_ ]?(?:reply|response|responder|antwort|submitted|:)|"
    r"out[- ]of[- ](?:the[- ])?office|out of the country|ooo\b|away from (?:my|the) (?:mail|office|desk)|"
    r"vacation (?:reply|notice|response)|on vacation|i am (?:away|out of)|"
    r"r[ée]ponse (?:automatique|auto)|message d.absence|absence du bureau|avis d.absence|notification d.absence|"
    r"absent(?:e)? (?:du bureau|jusqu)|"
    r"risposta automatica|fuori (?:sede|ufficio)|assente\b|assenza\b|avviso di assenza|messaggio automatico"
    r")"
)
"""How the subject of a note begins that a program writes while its owner is away."""

REPLY_SUBJECT = re.compile(
    r"^\s*(?:re|aw|antw|antwort|rép|rif|r|sv|odp|vs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE
)

STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
"""An enhanced status code (RFC 3463), not a piece of an IP address or a version."""
SMTP_CODE = re.compile(r"(?:^|[\s:(\[#'\"])([45]\d\d)(?=[\s\]),:-]|$)")


def has(text: str, phrases: tuple[str, ...]) -> bool:
    """Does one of the phrases occur? `text` is in lower case with single spaces."""
    return any(one in text for one in phrases)
