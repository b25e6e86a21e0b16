-- Have what is recorded next written to a table that nobody else sees.
--
-- Reads:  line_issue, its columns alone
-- Writes: line_issue (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE line_issue ON COMMIT DROP AS
SELECT
    flow_file_id,
    line_number,
    kind,
    mpan_core,
    severity,
    code,
    item,
    value,
    message
FROM line_issue
WITH NO DATA;
