-- Tell of each reading whether it counts: nothing is merged or deleted, so this is told when
-- readings are read. Source: the D0010 specification, section 7; the rules, in order:
--
--   withdrawal  a W row: it takes a reading back and is none itself
--   withdrawn   a W row has the same register, time, value and validation status, in whatever
--               file, and whether it came before or after
--   superseded  another reading of the same register and time counts instead
--   repeated    the same value, type and validation status came before, and counts
--   current     all others: one for each register and time
--
-- Which one counts: a validated one (V) before all others; among validated ones, as among the
-- others, the value that came last; of that value, the type and validation status that came last.
-- A value comes when it first comes: an old one that is sent again does not come back.
--
-- An initial reading (I) starts a register anew, often at the instant of the final one (F), so
-- initial readings are compared with one another only. "Last" is the order of arrival: the ids
-- of lines. Every window is within one MPAN and one time, so a search by both reads those alone.
--
-- A migration reads this file: never edit it, add a _v3.
CREATE OR REPLACE VIEW reading_standing AS
WITH cancelled AS (
    SELECT
        id,
        mpan_core,
        register_id,
        read_at,
        value,
        reading_type,
        validation_status,
        reading_type = 'I' AS is_initial,
        validation_status = 'V' AS is_validated,
        reading_type = 'W' AS is_withdrawal,
        bool_or(reading_type = 'W') OVER (
            PARTITION BY mpan_core, register_id, read_at, value, validation_status
        ) AS is_withdrawn
    FROM reading
),

arrived AS (
    SELECT
        *,
        min(id) OVER (
            PARTITION BY
                mpan_core, register_id, read_at, is_withdrawn, is_initial, is_validated, value
        ) AS value_arrived,
        min(id) OVER (
            PARTITION BY
                mpan_core, register_id, read_at, is_withdrawn, is_initial, is_validated, value,
                reading_type, validation_status
        ) AS same_arrived
    FROM cancelled
),

compared AS (
    SELECT
        *,
        first_value(same_arrived) OVER (
            PARTITION BY mpan_core, register_id, read_at, is_withdrawn, is_initial
            ORDER BY is_validated DESC, value_arrived DESC, same_arrived DESC
        ) AS counting_arrived
    FROM arrived
)

SELECT
    id AS reading_id,
    mpan_core,
    CASE
        WHEN is_withdrawal THEN 'withdrawal'
        WHEN is_withdrawn THEN 'withdrawn'
        WHEN same_arrived <> counting_arrived THEN 'superseded'
        WHEN id <> same_arrived THEN 'repeated'
        ELSE 'current'
    END AS standing,
    read_at
FROM compared;
