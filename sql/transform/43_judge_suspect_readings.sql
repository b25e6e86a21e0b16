-- Judge the readings flagged as suspect: a validation result should say why.
--
-- Reads:  judged_result
-- Writes: judged_reading
-- Re-run: in the transaction that transforms the files.
UPDATE judged_reading
SET warnings = ltrim(warnings || ' ' || 'missing-result/J0045')
WHERE
    reading_flag = 'F'
    AND NOT EXISTS (
        SELECT
        FROM judged_result AS result
        WHERE
            judged_reading.mpan_core = result.mpan_core
            AND judged_reading.line_id = result.parent_id
            AND result.rejections = ''
    );
