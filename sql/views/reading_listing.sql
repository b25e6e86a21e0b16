-- One row a reading, in words that people and tools ask for: part of the contract.
--
-- A reading whose meter is missing, which `reconcile` would tell of, is listed all the same.
CREATE VIEW reading_listing AS
SELECT
    reading.mpan_core,
    coalesce(meter.serial_number, reading.serial_key) AS serial_number,
    reading.identifier AS register,
    reading.read_at,
    reading.value,
    reading.reading_type,
    reading.validation_status,
    reading.reading_flag,
    reading.reading_method,
    reading.reason_code,
    reading.reading_status,
    reading.md_reset_at,
    reading.md_reset_count,
    flow_file.file_name,
    reading.id & 4294967295 AS line_number,
    reading.standing,
    reading.stated_at AS file_created_at,
    flow_file.flow
FROM reading_standing AS reading
LEFT JOIN meter
    ON
        reading.mpan_core = meter.mpan_core
        AND reading.serial_key = meter.serial_key
LEFT JOIN flow_file
    ON reading.id >> 32 = flow_file.id;
