"""Which partition a patient's events go to: computed alike by relays, consumers and readers."""

from zlib import crc32

from careloop.kernel.ids import PatientId


def partition_of(patient_id: PatientId, partitions: int) -> int:
    """The partition, from 0 to `partitions` - 1, of every event of this patient in every topic."""
    return crc32(str(patient_id).encode()) % partitions
