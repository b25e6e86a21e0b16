-- Return a register reading (J0040, NUM(9,1): up to eight digits, then at most one decimal) as a
-- number, or null where the text is none. Signs, exponents, spaces and NaN are none.
--
-- A migration reads this file: never edit it, add a _v2.
CREATE FUNCTION d0010_register_reading_v1(reading text)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        translate(reading, '0123456789', '') = ''
        AND octet_length(reading) BETWEEN 1 AND 8
        THEN reading::numeric(9, 1)
    WHEN
        translate(reading, '0123456789', '') = '.'
        AND octet_length(reading) BETWEEN 3 AND 10
        AND left(right(reading, 2), 1) = '.'
        THEN reading::numeric(9, 1)
END;
