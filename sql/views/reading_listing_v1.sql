-- One row a reading, in words that people and tools ask for: part of the contract.
--
-- A migration reads this file: never edit it, add a _v2.
CREATE VIEW reading_listing AS
SELECT
    reading.mpan_core,
    meter.serial_number,
    register.identifier AS register,
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
    reading.id & 4294967295 AS line_number
FROM reading
INNER JOIN register
    ON
        reading.mpan_core = register.mpan_core
        AND reading.register_id = register.id
INNER JOIN meter
    ON
        register.mpan_core = meter.mpan_core
        AND register.meter_id = meter.id
INNER JOIN flow_file
    ON reading.flow_file_id = flow_file.id;
