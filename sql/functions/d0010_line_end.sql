-- Judge what stands behind the last item of a line: return the code of a finding, or null.
--
-- For lines of which something is not in its place; the usual line never comes here. A record ends
-- with a pipe, so it has two fields more than items: the group code, and nothing at its end.
CREATE FUNCTION d0010_line_end(payload text, item_count integer, blanks text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        btrim(
            array_to_string((string_to_array(payload, '|'))[item_count + 2:], ''), blanks
        ) <> ''
        THEN 'extra-field'
    WHEN right(rtrim(payload, blanks), 1) <> '|' THEN 'unterminated-line'
    WHEN
        cardinality(string_to_array(payload, '|')) > item_count + 2
        OR (string_to_array(payload, '|'))[item_count + 2] <> ''
        THEN 'blank-padding'
END;
