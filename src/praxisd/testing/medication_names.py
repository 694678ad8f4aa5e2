"""Names of medication in any number, and questions about them: the same for the same seed.

The names are built as German ones are (substance or invented brand, maker, strength, form; about a fifth with umlauts), and
belong to nothing that is sold. Substances are International Nonproprietary Names in German spelling.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from praxisd.services.medication.finding_index import Source
from praxisd.services.medication.finding_rules import fold, pieces


def _split(words: str) -> list[str]:
    return words.split()


SUBSTANCES = _split(
    "Aciclovir Alendronsäure Allopurinol Alprazolam Ambroxol Amiodaron Amitriptylin Amlodipin Amoxicillin Ampicillin "
    "Apixaban Aripiprazol Articain Ascorbinsäure Atenolol Atorvastatin Azathioprin Azithromycin Baclofen Beclometason "
    "Benzocain Betamethason Bisoprolol Bromazepam Budesonid Bupivacain Buprenorphin Candesartan Captopril Carbamazepin "
    "Carvedilol Cefaclor Cefuroxim Cetirizin Chlorhexidin Chlorprothixen Ciclosporin Ciprofloxacin Citalopram "
    "Clarithromycin Clindamycin Clonazepam Clopidogrel Clotrimazol Codein Colchicin Dabigatran Desloratadin "
    "Dexamethason Diazepam Diclofenac Digitoxin Diltiazem Dimenhydrinat Doxazosin Doxepin Doxycyclin Duloxetin "
    "Ebastin Enalapril Enoxaparin Epinephrin Erythromycin Escitalopram Esomeprazol Estradiol Ethinylestradiol Ezetimib "
    "Famotidin Felodipin Fenofibrat Fentanyl Finasterid Flecainid Fluconazol Fluoxetin Formoterol Furosemid "
    "Gabapentin Glibenclamid Glimepirid Haloperidol Heparin Hydrochlorothiazid Hydrocortison Hydroxychloroquin "
    "Ibuprofen Indapamid Insulin Ipratropium Isotretinoin Itraconazol Ketoprofen Ketotifen Lamotrigin Lansoprazol "
    "Leflunomid Lercanidipin Letrozol Levetiracetam Levocetirizin Levodopa Levofloxacin Levothyroxin Lidocain "
    "Lisinopril Lithium Loperamid Loratadin Lorazepam Losartan Melperon Mepivacain Mesalazin Metamizol Metformin "
    "Methotrexat Methylphenidat Methylprednisolon Metoclopramid Metoprolol Metronidazol Miconazol Mirtazapin "
    "Molsidomin Montelukast Morphin Moxifloxacin Moxonidin Naloxon Naproxen Nebivolol Nifedipin Nitrendipin "
    "Nitrofurantoin Nystatin Olanzapin Olmesartan Omeprazol Ondansetron Oxazepam Oxcarbazepin Oxybutynin Oxycodon "
    "Pantoprazol Paracetamol Paroxetin Phenoxymethylpenicillin Phenprocoumon Phenytoin Pramipexol Pravastatin "
    "Prednisolon Pregabalin Prilocain Promethazin Propranolol Quetiapin Rabeprazol Ramipril Ranitidin Risperidon "
    "Rivaroxaban Rizatriptan Ropinirol Rosuvastatin Roxithromycin Salbutamol Salicylsäure Sertralin Sildenafil "
    "Simvastatin Sitagliptin Solifenacin Sotalol Spironolacton Sulfasalazin Sultamicillin Sumatriptan Tamoxifen "
    "Tamsulosin Telmisartan Terbinafin Theophyllin Tiaprid Tilidin Timolol Tizanidin Topiramat Torasemid Tramadol "
    "Triamcinolon Trimethoprim Trimipramin Valproinsäure Valsartan Venlafaxin Verapamil Warfarin Xylometazolin "
    "Ziprasidon Zolmitriptan Zolpidem Zopiclon Acetylsalicylsäure"
)
_FORMS = (
    ("Filmtabletten", 20), ("Tabletten", 20), ("Hartkapseln", 10), ("Retardtabletten", 6), ("Brausetabletten", 5),
    ("magensaftresistente Tabletten", 5), ("Tropfen zum Einnehmen, Lösung", 5), ("Injektionslösung", 5), ("Zäpfchen", 3),
    ("Saft", 4), ("Salbe", 4), ("Creme", 4), ("Gel", 3), ("Säckchen", 1), ("Augentropfen", 3), ("überzogene Tabletten", 2),
    ("Mundspüllösung", 1), ("Kügelchen", 1), ("Pulver zur Herstellung einer Infusionslösung", 2), ("Weichkapseln", 3),
)  # fmt: skip
_STRENGTHS = (
    "2,5",
    "5",
    "7,5",
    "10",
    "12,5",
    "20",
    "25",
    "40",
    "50",
    "75",
    "80",
    "100",
    "150",
    "200",
    "250",
    "300",
    "400",
)
_STRENGTHS_ALL = (*_STRENGTHS, "500", "600", "800", "875", "1000")
_AFTER = ("", "", "", "", "forte", "retard", "akut", "comp.", "plus", "N", "mite", "direkt", "für Kinder")
_BEGIN = _split(
    "Ba Be Bi Bro Ca Ce Cla Co Da De Di Do Dro E Fa Fe Flo Fo Ga Ge Gri Ha He Hy I Ja Ju Ka Ke Kli La Le Lo Ma Me"
)
_BEGIN += _split(
    "Mi Mo Na Ne Ni No O Or Pa Pe Pla Po Pro Ra Re Ri Ro Sa Se Si Spa Ste Ta Te Ti Tra U Va Ve Vi Xa Xy Za Zo"
)
_BEGIN += _split("Tä Mü Lö Hä Rü Bö Pä Fö Öl Äs Küh Schlä")
_MIDDLE = _split(
    "ba ben bi bo ca ce cor da de di do fa fe fi ga ge gi go la lan le li lo lu ma me mi mo na ne ni no pa"
)
_MIDDLE += _split(
    "per pi po ra re ri ro sa se si sol so ta ten ti to tri va ve vi vo xa xi za zi pho thy ly my sy mä lö sü rä"
)
_END = _split(
    "an al ax at bin cin cor dal din dol fen gan gen in ion is ium lan lin lon max med min mol nal nol on or pan pur"
)
_END += _split(
    "ral ran rin sal san sin sol tan tin tol ton tral vant vin vit xan xin zid zin zol zym säure tröpfchen lösung"
)


class Asked(NamedTuple):
    """A question: what is typed, and the words of which a name among the first hits must have one (folded)."""

    typed: str
    words: frozenset[str]


def brands(dice: random.Random, count: int) -> list[str]:
    """So many different invented words."""
    made: dict[str, None] = {}
    while len(made) < count:
        middle = "".join(dice.choice(_MIDDLE) for _ in range(dice.choices((0, 1, 2, 3), (1, 6, 8, 2))[0]))
        word = dice.choice(_BEGIN) + middle + dice.choice(_END)
        if 5 <= len(word) <= 16:
            made.setdefault(word)
    return list(made)


def products(count: int, seed: int = 11, words: int = 7_000) -> list[Source]:
    """So many products with different names; with the substance, the maker and the form as further words."""
    dice = random.Random(seed)
    invented = brands(dice, words + 260)
    makers, own = [*invented[:220], *(f"{one}-Pharma" for one in invented[220:260])], invented[260:]
    forms, weights = [one for one, _ in _FORMS], [many for _, many in _FORMS]
    codes = {
        one: f"{'ABCDGHJLMNPRSV'[no % 14]}{no % 16:02}A{'ABCD'[no % 4]}{no % 60:02}"
        for no, one in enumerate(SUBSTANCES)
    }
    made: dict[str, Source] = {}
    while len(made) < count:
        substance, maker = dice.choice(SUBSTANCES), dice.choice(makers)
        form, strength = dice.choices(forms, weights)[0], dice.choice(_STRENGTHS_ALL)
        number = len(made)
        if number < len(own) or dice.random() < 0.45:
            lead = own[number] if number < len(own) else dice.choice(own)
            name = " ".join(one for one in (lead, dice.choice(_AFTER), strength, "mg", form) if one)
        elif dice.random() < 0.1:
            name = f"{substance}/{dice.choice(SUBSTANCES)} {maker} {strength} mg/{dice.choice(_STRENGTHS)} mg {form}"
        else:
            name = f"{substance} {maker} {strength} mg {form}"
        code = codes[substance]
        made.setdefault(
            name, Source(f"p{number:06}", [name], [substance, maker, form], code, dice.random() < 0.03)
        )
    return list(made.values())


def questions(sources: Sequence[Source], each: int = 400, seed: int = 5) -> dict[str, list[Asked]]:
    """By class: `prefix`, `two words`, `umlaut`, `typo`, `infix`; `each` of every class."""
    dice = random.Random(seed)
    kinds = {"prefix": _prefix, "two words": _two, "umlaut": _umlaut, "typo": _typo, "infix": _infix}
    found: dict[str, list[Asked]] = {}
    for kind, make in kinds.items():
        asked = found[kind] = []
        while len(asked) < each:
            name = dice.choice(sources).names[0]
            first = name.split()[0].split("/")[0]
            one = make(dice, first, name) if len(first) >= 5 else None
            if one is not None:
                asked.append(one)
    return found


def met(asked: Asked, names: Sequence[str]) -> bool:
    """Has one of the names a word that was meant?"""
    return any(
        not asked.words.isdisjoint((*pieces(fold(one)), *pieces(fold(one, umlaut=False)))) for one in names
    )


def _meant(word: str) -> frozenset[str]:
    return frozenset((*pieces(fold(word)), *pieces(fold(word, umlaut=False))))


def _prefix(dice: random.Random, first: str, name: str) -> Asked | None:
    return Asked(first[: dice.randint(4, min(7, len(first)))], _meant(first))


def _two(dice: random.Random, first: str, name: str) -> Asked | None:
    rest = [one for one in name.split()[1:] if len(one) >= 4]
    if not rest:
        return None
    second = dice.choice(rest)
    return Asked(
        f"{first[: dice.randint(4, len(first))]} {second[: dice.randint(3, len(second))]}", _meant(first)
    )


def _umlaut(dice: random.Random, first: str, name: str) -> Asked | None:
    if first.isascii():
        return None
    ways = (first, fold(first), fold(first, umlaut=False), first.upper(), first.lower())
    typed = dice.choice(ways)
    return Asked(typed[: dice.randint(max(4, len(typed) - 3), len(typed))], _meant(first))


def _typo(dice: random.Random, first: str, name: str) -> Asked | None:
    word, at = first.lower(), dice.randrange(len(first))
    letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
    swap = min(at, len(word) - 2)
    made = dice.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:swap] + word[swap + 1] + word[swap] + word[swap + 2 :],
        )
    )
    return None if made == word else Asked(made, _meant(first))


def _infix(dice: random.Random, first: str, name: str) -> Asked | None:
    if len(first) < 7:
        return None
    size = dice.randint(5, len(first) - 2)
    at = dice.randint(1, len(first) - size)
    return Asked(first[at : at + size], _meant(first))
