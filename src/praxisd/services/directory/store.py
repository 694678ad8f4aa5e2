"""Tables and queries of the directory."""

from typing import Any

import sqlalchemy as sa

from praxisd.kernel.resource import Records, resource_table
from praxisd.kernel.store import Tx, mine, prepared, table
from praxisd.model.people import Mandator, Patient, Practitioner, Treatment
from praxisd.model.places import Location, Organization
from praxisd.services.directory.fhir_shapes import all_names
from praxisd.services.directory.rules import given_key, name_key, search_words

ORGANIZATION = resource_table("directory_organization")
"""The practice itself (its id is the tenant's name) and organizations it knows of, which came by import."""
MANDATOR = resource_table("directory_mandator", sa.Column("standard", sa.Integer, nullable=False))
PRACTITIONER = resource_table("directory_practitioner", sa.Column("visible", sa.Integer, nullable=False))
LOCATION = resource_table("directory_location", sa.Column("visible", sa.Integer, nullable=False))
PATIENT = resource_table(
    "directory_patient",
    sa.Column("family_key", sa.Text, nullable=False),
    sa.Column("given_key", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Text),
    sa.Column("active", sa.Integer, nullable=False),
    sa.Column("merged_into", sa.Text),
    sa.Column("portal", sa.Text),
    sa.Index("directory_patient_name", "organization", "family_key", "given_key"),
    sa.Index("directory_patient_birth", "organization", "birth_date"),
)
sa.Index(  # all that the list of patients sorts by and searches in: 100,000 documents are not read to show 50
    "directory_patient_listed",
    PATIENT.c.organization,
    PATIENT.c.family_key,
    PATIENT.c.given_key,
    PATIENT.c.birth_date,
    PATIENT.c.active,
    PATIENT.c.words,
    PATIENT.c.id,
    sqlite_where=PATIENT.c.merged_into.is_(None),
    postgresql_where=PATIENT.c.merged_into.is_(None),
)
BIRTH_DAY = "substr(birth_date, 6, 5)"
"""MM-DD of a full date of birth: the expression of an index, so a query has to write it in the same way."""
sa.Index("directory_patient_birthday", PATIENT.c.organization, sa.text(BIRTH_DAY))
TREATMENT = resource_table(
    "directory_treatment",
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("mandator", sa.Text, nullable=False),
    sa.Column("opened", sa.Text, nullable=False),
    sa.Column("closed", sa.Text),
    sa.Column("entered", sa.Text, nullable=False),
    # With the mandator in it: who pays for thousands of patients is answered from the index alone.
    sa.Index("directory_treatment_patient", "organization", "patient", "opened", "entered", "mandator"),
    sa.Index("directory_treatment_opened", "organization", "opened", "entered"),
)
STATEMENT = table(
    "directory_portal_patient",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("family_key", sa.Text, nullable=False),
    sa.Column("given_key", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("id", name="directory_portal_patient_id"),
    sa.Index("directory_portal_patient_name", "organization", "portal", "family_key", "birth_date"),
    sa.Index("directory_portal_patient_who", "organization", "patient", "portal"),
)
"""What a portal told about a person, under an alias (`id`) of its own: the portal never learns the patient's id."""
CONTACT = table(
    "directory_contact",
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "owner", "kind", "key"),
    sa.Index("directory_contact_key", "organization", "kind", "key"),
    sa.Index("directory_contact_patient", "organization", "patient"),
)
"""Comparable numbers and addresses; `owner` is the patient, or the alias whose portal told them."""
MATCH = table(
    "directory_match",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("candidate", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger),
    sa.Column("decided_by", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("directory_match_patient", "organization", "patient"),
)
"""Decisions that wait for a person (`outcome` null), and the ones made: same, different, obsolete."""
MERGE = table(
    "directory_merge",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kept", sa.Text, nullable=False),
    sa.Column("dropped", sa.Text, nullable=False),
    sa.Column("merged_at", sa.BigInteger, nullable=False),
    sa.Column("merged_by", sa.Text, nullable=False),
    sa.Column("undone_at", sa.BigInteger),
    sa.Column("moved", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.Index("directory_merge_kept", "organization", "kept"),
)
"""Which rows a merge moved, so that it can be undone."""
BIRTHDAY = table(
    "directory_birthday",
    sa.Column("birth_date", sa.Text, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "birth_date"),
)
"""One row per date of birth: whoever matches a person born that day holds it, so two nodes cannot both find nobody."""
TABLES = tuple(
    str(one.name)
    for one in (
        ORGANIZATION, MANDATOR, PRACTITIONER, LOCATION, PATIENT, TREATMENT, STATEMENT, CONTACT, MATCH, MERGE, BIRTHDAY
    )
)  # fmt: skip
REFERENCES = (
    ("directory_portal_patient", "patient"),
    ("directory_contact", "patient"),
    ("directory_treatment", "patient"),
    ("directory_match", "patient"),
    ("directory_match", "candidate"),
)
"""Where a patient's id stands, for merge, export and erasure."""
HISTORY = frozenset({"directory_match", "directory_merge"})
"""Tables that say what was decided about which record; a merge does not rewrite them."""


def name_columns(patient: Patient) -> dict[str, Any]:
    """The columns by which a person is found, shared by patients and portals' statements."""
    return {
        "family_key": name_key(patient.family),
        "given_key": given_key(patient.given),
        "words": search_words(*all_names(patient)),
        "birth_date": patient.birth_date,
    }


def _patient_columns(patient: Patient) -> dict[str, Any]:
    return {
        **name_columns(patient),
        "active": int(patient.active),
        "merged_into": patient.merged_into,
        "portal": patient.portal,
    }


def _treatment_columns(treatment: Treatment) -> dict[str, Any]:
    return {
        "patient": treatment.patient,
        "mandator": treatment.mandator,
        "opened": treatment.opened.isoformat(),
        "closed": None if treatment.closed is None else treatment.closed.isoformat(),
        "entered": treatment.entered,
    }


def _visible(one: Practitioner | Location) -> dict[str, Any]:
    return {"visible": int(one.active and one.released)}


organizations = Records("Organization", ORGANIZATION, Organization)
mandators = Records("Mandator", MANDATOR, Mandator, lambda m: {"standard": int(m.default)})
practitioners = Records("Practitioner", PRACTITIONER, Practitioner, _visible)
locations = Records("Location", LOCATION, Location, _visible)
patients = Records("Patient", PATIENT, Patient, _patient_columns)
treatments = Records("Treatment", TREATMENT, Treatment, _treatment_columns)
_TENANTS = prepared(sa.select(ORGANIZATION.c.id).where(ORGANIZATION.c.id == ORGANIZATION.c.organization))
_TENANTS.across = True
_STANDARD = prepared(
    sa.select(MANDATOR.c.doc).where(mine(MANDATOR), MANDATOR.c.standard == 1).order_by(MANDATOR.c.id)
)


def tenants(tx: Tx) -> list[str]:
    """Ids of all practices of the installation."""
    return sorted(row[0] for row in tx.tuples(_TENANTS))


def standard_mandators(tx: Tx) -> list[Mandator]:
    """The default mandator, as a list of none or one."""
    return [mandators.decode(row[0]) for row in tx.tuples(_STANDARD)]


def visible(one: sa.Table) -> Any:
    """The condition that leaves only what portals may see."""
    return one.c.visible == 1
