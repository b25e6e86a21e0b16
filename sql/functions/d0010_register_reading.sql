-- Return a register reading (J0040, NUM(9,1): up to eight digits, then at most one decimal) as a
-- number, or null where the text is none. Signs, exponents, spaces and NaN are none. Further
-- decimals are taken where they are zeros, since the number is exact all the same.
--
-- What is left when digits are taken off both ends tells at once whether there is anything but
-- digits and one point between them.
CREATE FUNCTION d0010_register_reading(reading text)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN CASE
    WHEN
        octet_length(reading) BETWEEN 3 AND 10
        AND strpos(reading, '.') = octet_length(reading) - 1
        AND without_digits(reading) = '.'
        THEN reading::numeric(9, 1)
    WHEN
        octet_length(reading) BETWEEN 1 AND 8
        AND without_digits(reading) = ''
        THEN reading::numeric(9, 1)
    WHEN
        without_digits(reading) = '.'
        AND octet_length(split_part(reading, '.', 1)) BETWEEN 1 AND 8
        AND octet_length(split_part(reading, '.', 2)) BETWEEN 2 AND 100
        AND btrim(substr(split_part(reading, '.', 2), 2), '0') = ''
        THEN reading::numeric(9, 1)
END;
