-- Lay beside the lines of some files what was found about them, for `reconcile` to compare by.
--
-- Issues are on the coordinator. In the work table of this name they are where their lines are.
--
-- Params: first_file_id, last_file_id (bigint): the files to look at
-- Reads:  line_issue
-- Writes: judged_issue
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_issue ON COMMIT DROP AS
SELECT
    flow_file_id,
    line_number,
    mpan_core,
    severity,
    code,
    item
FROM line_issue
WHERE
    flow_file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
    AND (severity = 'REJECTED' OR code = 'clock-skipped');
