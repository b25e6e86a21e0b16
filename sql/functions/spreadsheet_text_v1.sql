-- Return a text that no spreadsheet takes for a formula: an apostrophe goes before what would
-- start one (OWASP, "CSV Injection").
--
-- A migration reads this file: never edit it, add a _v2.
CREATE FUNCTION spreadsheet_text_v1(cell text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN left(cell, 1) IN ('=', '+', '-', '@', chr(9), chr(13)) THEN '''' || cell
    ELSE cell
END;
