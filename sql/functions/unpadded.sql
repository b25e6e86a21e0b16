-- Return a text without what nobody sees at its ends, which `blanks` lists (warehouse/keys.py).
-- Nearly every text begins and ends with a visible character of ASCII; only others are worth the
-- cost of the list. Simple enough for the planner to inline.
CREATE FUNCTION unpadded(sent text, blanks text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        ascii(sent) BETWEEN 33 AND 126
        AND (octet_length(sent) = 1 OR ascii(right(sent, 1)) BETWEEN 33 AND 126)
        THEN sent
    ELSE btrim(sent, blanks)
END;
