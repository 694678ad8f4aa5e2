"""xDT in numbers: kinds of records, fields and charsets (GDT 2.1 and 3, BDT 2/94, KVDT, LDT).

A line is three digits of length, four of the field, content, CR LF; the length counts all of it. A record begins with field
8000 and says its own length in 8100.
"""

import msgspec

CHARSETS = {"1": "din66003", "2": "cp437", "3": "cp1252", "4": "iso8859-15", "5": "utf-8"}
"""What 9106 and 9206 declare. 1 to 3 are GDT 2.1's; 4 and 5 came with LDT 3 and GDT 3."""
CODES = {name: code for code, name in CHARSETS.items()}
CHARSET_FIELDS = ("9106", "9206")
START, LENGTH = "8000", "8100"
OBJECT_START, OBJECT_END = ("8002", "8200"), ("8003", "8201")
RECORDS = {
    "0010": "Praxisdaten", "0020": "Datenträger-Beginn", "0021": "Datenträger-Ende", "0022": "Datenpaket-Beginn",
    "0023": "Datenpaket-Ende", "0101": "Behandlungsfall ambulant", "0102": "Behandlungsfall Überweisung",
    "0103": "Behandlungsfall belegärztlich", "0104": "Behandlungsfall Notfall", "0109": "Behandlungsfall Kurarzt",
    "0190": "Behandlungsfall privat", "0191": "Behandlungsfall BG", "0199": "Behandlungsfall unstrukturiert",
    "6100": "Patientenstamm", "6200": "Behandlungsdaten", "6300": "Stammdaten anfordern",
    "6301": "Stammdaten übermitteln", "6302": "Untersuchung anfordern", "6310": "Untersuchung übermitteln",
    "6311": "Untersuchung zeigen", "8201": "Laborbericht", "8202": "Laborfacharzt-Bericht",
    "8203": "Laborbericht Mikrobiologie", "8204": "Laborbericht (Schluss)", "8215": "Laborauftrag",
    "8218": "Elektronische Überweisung", "8219": "Laborauftrag (Überweisung)", "8220": "Labor-Datenpaket Beginn",
    "8221": "Labor-Datenpaket Ende", "8230": "Labor-Auftragspaket Beginn", "8231": "Labor-Auftragspaket Ende",
}  # fmt: skip
LAB = frozenset(kind for kind in RECORDS if kind.startswith("82"))
"""Records of LDT. Their results are no business of praxisd, and their persons are not master data."""
FRAME = frozenset(("0010", "0020", "0021", "0022", "0023"))
MASTER = frozenset(("6100", "6300", "6301", "6302", "6310", "6311"))
"""Records that may say who a person is."""
CASES = frozenset(kind for kind in RECORDS if kind.startswith("01"))
LABELS = {
    "0000": "", "3105": "Versichertennummer", "3119": "eGK-Versichertennummer", "3610": "Patient seit",
    "3622": "Größe", "3623": "Gewicht", "3650": "Dauerdiagnose", "3651": "Dauerdiagnose (Kürzel)",
    "3652": "Dauermedikation", "3654": "Risikofaktor", "3656": "Allergie", "3658": "Unfall", "3660": "Operation",
    "3662": "Anamnese", "3664": "Anzahl Geburten", "3666": "Anzahl Kinder", "3668": "Anzahl Schwangerschaften",
    "3670": "Dauertherapie", "3672": "Kontrolltermin", "3673": "Dauerdiagnose (ICD)", "3674": "Diagnosesicherheit",
    "4109": "letzter Einlesetag", "4111": "Kostenträgerkennung", "5000": "Leistungstag", "5001": "Gebührennummer",
    "6000": "Diagnose mit ICD", "6001": "ICD-Schlüssel", "6200": "Tag der Speicherung", "6205": "aktuelle Diagnose",
    "6210": "verordnetes Medikament", "6211": "Medikament außerhalb der Sprechstunde", "6215": "Ärztemuster",
    "6220": "Befund", "6221": "Fremdbefund", "6222": "Laborbefund", "6225": "Röntgenbefund", "6227": "Kommentar",
    "6228": "Ergebnistext formatiert", "6230": "Blutdruck", "6240": "Symptome", "6260": "Therapie",
    "6265": "physikalische Therapie", "6280": "Überweisung Inhalt", "6285": "Dauer der Arbeitsunfähigkeit",
    "6290": "Krankenhauseinweisung", "6330": "freie Kategorie (Name)", "6331": "freie Kategorie (Inhalt)",
    "8410": "Test-Kennung", "8411": "Testbezeichnung", "8420": "Ergebniswert", "8421": "Einheit",
}  # fmt: skip
"""What a field holds, for the report of what is not taken over; a field not in it is named by its number alone."""
NAMES = {
    "3000": "Patientennummer", "3100": "Namenszusatz", "3101": "Name", "3102": "Vorname", "3103": "Geburtsdatum",
    "3104": "Titel", "3106": "Wohnort", "3107": "Straße", "3110": "Geschlecht", "3112": "PLZ", "3113": "Ort",
    "3618": "Mobiltelefon", "3619": "E-Mail", "3626": "Telefon", "3628": "Muttersprache", "8315": "Empfänger",
    "8316": "Absender", "8402": "Untersuchung", "8432": "Datum der Abnahme", "8439": "Zeit der Abnahme",
    "8470": "Testbezogene Hinweise", "8480": "Ergebnistext", "8990": "Signatur", "9206": "Zeichensatz",
    "9218": "GDT-Version", "6302": "Dateiverweis", "6303": "Dateiformat", "6304": "Dateiinhalt", "6305": "Verweis auf Datei",
}  # fmt: skip
"""What the fields of a person and of a request hold."""
SILENT = frozenset((
    "8000", "8100", "8002", "8003", "8200", "8201", "8315", "8316", "8402", "9100", "9102", "9103", "9105", "9106", "9115",
    "9132", "9152", "9202", "9203", "9206", "9210", "9213", "9218", "9600", "9601", "9602", "3000", "6200", "0101", "0102",
    "0103", "0105", "0201", "0202", "0203", "0204", "0205", "0206", "0208", "0209", "0225",
))  # fmt: skip
"""Fields of the frame: they say nothing about a person, so they are not named as left."""
LONGEST = 999 - 9
"""Bytes of content three digits of length can say."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line: where it stands (1 is the first), its field, its content as it was, the length it said (-1: none).

    `size` is what its length ought to be: content and nine.
    """

    no: int
    field: str
    content: bytes
    declared: int = -1

    @property
    def size(self) -> int:
        return len(self.content) + 9


class Notice(msgspec.Struct, frozen=True, gc=False):
    """Something odd at a line; `code` without `exchange.xdt_`. `params` are numbers and names of fields, never content."""

    line: int
    code: str
    params: dict[str, str | int] = {}
