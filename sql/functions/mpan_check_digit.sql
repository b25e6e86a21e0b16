-- Return the check digit that the first 12 digits of an MPAN core ask for.
--
-- The sum of each digit times its prime (3 to 43 without 11), modulo 11, modulo 10; the text
-- must be 13 digits. `get_byte` gives a digit's code, 48 more than the digit.
CREATE FUNCTION mpan_check_digit(mpan_core text)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN (
    (get_byte(mpan_core::bytea, 0) - 48) * 3
    + (get_byte(mpan_core::bytea, 1) - 48) * 5
    + (get_byte(mpan_core::bytea, 2) - 48) * 7
    + (get_byte(mpan_core::bytea, 3) - 48) * 13
    + (get_byte(mpan_core::bytea, 4) - 48) * 17
    + (get_byte(mpan_core::bytea, 5) - 48) * 19
    + (get_byte(mpan_core::bytea, 6) - 48) * 23
    + (get_byte(mpan_core::bytea, 7) - 48) * 29
    + (get_byte(mpan_core::bytea, 8) - 48) * 31
    + (get_byte(mpan_core::bytea, 9) - 48) * 37
    + (get_byte(mpan_core::bytea, 10) - 48) * 41
    + (get_byte(mpan_core::bytea, 11) - 48) * 43
) % 11 % 10;
