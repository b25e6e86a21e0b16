-- Insert the registers seen for the first time on each meter.
--
-- Each has its meter by now. A left join says so to the planner, which knows nothing of rows that
-- this transaction brought and may take a table that grew for an empty one.
--
-- Reads:  judged_reading, meter
-- Writes: register
-- Re-run: refused by the unique key where another loader inserted a register meanwhile; the
--         transform then begins again, and finds it known.
INSERT INTO register (id, mpan_core, meter_id, identifier)
SELECT
    min(reading.line_id) AS id,
    reading.mpan_core,
    meter.id AS meter_id,
    reading.identifier
FROM judged_reading AS reading
LEFT JOIN meter
    ON
        reading.mpan_core = meter.mpan_core
        AND reading.serial_number = meter.serial_number
WHERE
    reading.rejections = ''
    AND reading.register_id IS NULL
GROUP BY reading.mpan_core, meter.id, reading.identifier
ORDER BY reading.mpan_core, meter.id, reading.identifier;
