-- Tell whether a reading failed validation (J0022), or is flagged (J0045) and was not accepted
-- after all (J0047). Simple enough for the planner to inline; `register_history.is_doubted` of
-- `warehouse/queries` is the same rule.
CREATE FUNCTION is_doubted(validation_status text, reading_flag text, reading_status text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN validation_status = 'F' OR coalesce(nullif(reading_status, ''), reading_flag) = 'F';
