"""The lists of codes: those of the Data Transfer Catalogue (DTC), and the warehouse's own."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


class ValidationStatus(models.TextChoices):
    """BSC validation status, J0022."""

    VALIDATED = "V", "validated"
    NOT_VALIDATED = "U", "not validated"
    FAILED = "F", "failed validation"


class ReadingType(models.TextChoices):
    """Reading type, J0171; `O` belongs to other flows but is known by name."""

    ACTUAL_CHANGE_OF_SUPPLIER = "A", "actual change of supplier read"
    CUSTOMER = "C", "customer own read"
    DEEMED = "D", "deemed or estimated"
    FINAL = "F", "final"
    INITIAL = "I", "initial"
    METER_ADVANCE_RECONCILIATION = "M", "meter advance reconciliation"
    OLD_SUPPLIER_ESTIMATE = "O", "old supplier's estimated change of supplier read"
    PREPAYMENT = "P", "collected electronically via PPMIP"
    MODIFIED = "Q", "modified manually by the data collector"
    ROUTINE = "R", "routine"
    SPECIAL = "S", "special"
    PROVING_TEST = "T", "proving test"
    FORWARD_MIGRATION_COA = "U", "forward migration, change of agent"
    FORWARD_MIGRATION_COS = "V", "forward migration, change of supplier"
    WITHDRAWN = "W", "withdrawn"
    SWITCH = "X", "supplier agreed switch read"
    REVERSE_MIGRATION_COS = "Y", "reverse migration, change of supplier"
    CHANGE_OF_TENANCY = "Z", "actual change of tenancy read"


class ReadingFlag(models.TextChoices):
    """Meter reading flag J0045 and, after checking, meter reading status J0047."""

    VALID = "T", "valid"
    SUSPECT = "F", "suspect"


class ReadingMethod(models.TextChoices):
    """Reading method, J1888; the words are those of three independent copies of the list."""

    NOT_VIEWED = "N", "not viewed by an agent"
    VIEWED = "P", "viewed by an agent"


class ReasonCode(models.TextChoices):
    """Meter reading reason code, J0332: why a reading is suspect."""

    MSID_INCORRECT = "01", "MSID incorrect"
    READING_DATES = "02", "reading date before the previous valid reading"
    NEGATIVE_CONSUMPTION = "03", "negative consumption"
    SLAVE_REGISTER = "04", "inconsistent with slave register advance"
    TWICE_EXPECTED = "05", "more than twice the expected advance"
    WRONGLY_ENERGISED = "06", "incorrectly energised"
    WRONGLY_DE_ENERGISED = "07", "incorrectly de-energised"
    FULL_SCALE_MD = "08", "full-scale maximum demand"
    ZERO_MD = "09", "zero maximum demand"
    SEVERAL_MD_RESETS = "10", "more than one maximum demand reset"
    REGISTER_DIGITS = "11", "number of register digits incorrect"
    READ_DATE_INCONSISTENT = "12", "inconsistent register read date"
    FAULTY_METER = "13", "faulty meter"
    HAND_HELD_FAILURE = "14", "hand-held read failure"
    METER_NOT_ON_SITE = "15", "meter not on site, or metering protocol not approved"
    STANDING_DATA = "16", "standing data incorrect"
    NO_ACCESS = "17", "no access"
    METER_TIME_RESET = "18", "meter time or date reset"
    OUTSTATION_RESET = "19", "outstation reset"
    METER_CHANGE = "20", "meter change or maintenance"
    PHASE_FAILURE = "21", "phase failure"
    RECORDING_ZEROS = "22", "meters recording zeros"
    TEST_DATA = "23", "test data recorded"
    DATA_LAPSE = "24", "data lapse"
    MANUALLY_KEYED = "25", "actual data manually keyed"
    INVALID_ZERO_ADVANCES = "26", "invalid zero advances"
    ZERO_CONSUMPTION = "27", "zero consumption"


class SiteVisitCode(models.TextChoices):
    """Site visit check code, J0024; the gaps in the numbers are the catalogue's."""

    OCCUPIED = "01", "occupied"
    NOT_OCCUPIED = "02", "not occupied"
    ENERGISED = "03", "energised"
    DE_ENERGISED = "04", "de-energised"
    DAMAGE = "05", "equipment or meter damage"
    TAMPERING = "06", "suspected tampering"
    TIMESWITCH_STOPPED = "07", "timeswitch stopped"
    PHASE_FAILURE = "08", "phase or fuse failure"
    CONSUMPTION_DE_ENERGISED = "09", "consumption on a de-energised meter"
    CHANGE_OF_METER = "10", "change of meter"
    MD_ZERO = "11", "zero reading on a maximum demand register"
    MD_FULL_SCALE = "13", "maximum demand register at full scale"
    MD_RESETS = "14", "more than one maximum demand register reset"
    METER_STOPPED = "15", "meter stopped"
    SEALS_DAMAGED = "16", "seals damaged"
    SEALS_MISSING = "17", "seals missing"
    UNSAFE = "18", "unsafe premises"
    CALL_NOT_MADE = "19", "call not made on routine visit"
    NO_ACCESS = "20", "no access"
    REFUSED_ACCESS = "21", "refused access"
    METER_BLOCKED = "22", "meter blocked"
    WIRING = "23", "wiring dangerous or incomplete"
    TOKEN_RESET = "24", "token meter reset"
    TOKEN_NOT_RESET = "25", "token meter not reset"
    APPOINTMENT_FAILED = "26", "agent failed to keep the appointment"
    MODIFIED_BY_NHHDC = "27", "reading modified manually by the data collector, no visit needed"
    ADDRESS_INSUFFICIENT = "28", "no access, address insufficient"
    CUSTOMER_UNABLE = "29", "customer unable to provide access"
    HV_ENVIRONMENT = "30", "no access to high-voltage environment"
    PORT_UNAVAILABLE = "31", "interrogation port unavailable"
    WRONG_PASSWORD = "32", "wrong meter or outstation password"
    HANDHELD_FAILURE = "33", "handheld failure"
    SUSPECTED_DEMOLISHED = "34", "suspected demolished"
    DEMOLISHED = "35", "demolished"
    CHANGE_OF_OCCUPIER = "36", "change of occupier"
    UNMANNED = "37", "unmanned"
    KEY_UNAVAILABLE = "38", "no access, key or code unavailable"
    NOT_LOCATED = "39", "meter not located"
    SUSPECTED_ENERGISED = "40", "suspected energised"
    SUSPECTED_DE_ENERGISED = "41", "suspected de-energised"
    EXPORT = "42", "site capable of export"
    REMOTELY_DISABLED = "43", "supply remotely disabled"
    REMOTELY_RE_ARMED = "44", "supply remotely re-armed"
    DEFECT_A = "50", "category A network defect"
    DEFECT_B = "51", "category B network defect"
    EQUIPMENT_REQUIRED = "52", "additional equipment required"
    NO_WAN = "53", "no wide-area network"
    NO_HAN = "54", "no home-area network"
    INSUFFICIENT_SPACE = "55", "insufficient space"
    PARKING = "56", "parking restrictions"
    WEATHER = "57", "adverse weather"
    METER_POSITION = "58", "height or position of the meter"
    REQUEST_REJECTED = "88", "request rejected"
    FAULT_RESOLUTION = "89", "fault resolution completion report"


# What the columns of a reading that hold codes are in words.
OF_COLUMNS: Mapping[str, type[models.TextChoices]] = {
    "reading_type": ReadingType,
    "validation_status": ValidationStatus,
    "reading_flag": ReadingFlag,
    "reading_method": ReadingMethod,
    "reason_code": ReasonCode,
    "reading_status": ReadingFlag,
}


class FlowFileStatus(models.TextChoices):
    STAGED = "STAGED", "staged"
    LOADED = "LOADED", "loaded"
    LOADED_WITH_REJECTIONS = "LOADED_WITH_REJECTIONS", "loaded with rejections"
    REJECTED = "REJECTED", "rejected"
    FAILED = "FAILED", "failed"


# What is left of a line whose meter point was forgotten, in place of its kind and more.
FORGOTTEN = "forgotten"

# What a flow file is while it counts: its content is known, and its file id is taken.
ACCEPTED_STATUSES = (
    FlowFileStatus.STAGED,
    FlowFileStatus.LOADED,
    FlowFileStatus.LOADED_WITH_REJECTIONS,
)
# What a flow file is if its readings are in the warehouse, and if none of them will be.
LOADED_STATUSES = (FlowFileStatus.LOADED, FlowFileStatus.LOADED_WITH_REJECTIONS)
REFUSED_STATUSES = (FlowFileStatus.REJECTED, FlowFileStatus.FAILED)


class Severity(models.TextChoices):
    REJECTED = "REJECTED", "rejected"
    WARNING = "WARNING", "warning"


class Mark(models.TextChoices):
    """What an issue is marked as; one without a mark is open."""

    ASKED = "ASKED", "asked"
    ANSWERED = "ANSWERED", "answered"


class Origin(models.TextChoices):
    """By which way a content came."""

    COMMAND = "COMMAND", "command"
    UPLOAD = "UPLOAD", "upload"
    FOLDER = "FOLDER", "folder"
    SFTP = "SFTP", "sFTP"


class LookedAt(models.TextChoices):
    """Where somebody saw readings of a meter point."""

    METER_POINT = "METER_POINT", "its page"
    READING = "READING", "a reading's page"
    RAW_LINE = "RAW_LINE", "a raw line"
    LIST = "LIST", "the list of readings"
    DOWNLOAD = "DOWNLOAD", "a download"
    ISSUE = "ISSUE", "issues of its lines"
