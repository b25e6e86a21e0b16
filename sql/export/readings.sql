-- List readings for people and tools, in the order of the index that they are searched by.
--
-- Times are UK clock time with its offset: the session's time zone is set to it before.
--
-- Params: mpan_core, serial_number (text): null for all; the serial in upper case, no spaces
--         since, until (timestamptz): null for no bound; until is not included
-- Reads:  reading_listing, meter
SELECT
    listing.mpan_core,
    spreadsheet_text_v1(listing.serial_number) AS serial_number,
    spreadsheet_text_v1(listing.register) AS register,
    to_char(listing.read_at, 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM') AS read_at,
    listing.value,
    spreadsheet_text_v1(listing.reading_type) AS reading_type,
    spreadsheet_text_v1(listing.validation_status) AS validation_status,
    spreadsheet_text_v1(listing.reading_flag) AS reading_flag,
    spreadsheet_text_v1(listing.reading_method) AS reading_method,
    spreadsheet_text_v1(listing.reason_code) AS reason_code,
    spreadsheet_text_v1(listing.reading_status) AS reading_status,
    to_char(listing.md_reset_at, 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM') AS md_reset_at,
    listing.md_reset_count,
    spreadsheet_text_v1(listing.file_name) AS file_name,
    listing.line_number
FROM reading_listing AS listing
WHERE
    (%(mpan_core)s::text IS NULL OR listing.mpan_core = %(mpan_core)s::text)
    AND (
        %(serial_number)s::text IS NULL
        OR (listing.mpan_core, listing.serial_number) IN (
            SELECT
                meter.mpan_core,
                meter.serial_number
            FROM meter
            WHERE meter.serial_number_search = %(serial_number)s::text
        )
    )
    AND (%(since)s::timestamptz IS NULL OR listing.read_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR listing.read_at < %(until)s::timestamptz)
ORDER BY
    listing.mpan_core,
    listing.read_at,
    listing.serial_number,
    listing.register,
    listing.file_name,
    listing.line_number
