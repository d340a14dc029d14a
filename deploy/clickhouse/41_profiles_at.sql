-- SELECT … FROM profiles_at(at = '2026-03-01T12:00:00Z'): p_alive and churn_risk of every customer at that instant, as
-- if silence had lasted from the last touchpoint that we know of. All else is as last published.
--
-- The formulas are those of processors/models/churn.py. MBG/NBD: P = 1 / (1 + a / (b+x) · ((α+T) / (α+t_x))^(r+x)); BG/NBD has
-- b+x−1 for b+x, and 1 at x = 0. The risk is 1 − P · (1 − ((α+T) / (α+T+h))^(r+x)). An instant before the last known
-- purchase counts as that purchase's, because how long silence had lasted then is no longer in the profile.
-- Who has left by an exit stays at 0 and 1. A policy's calibration of P(return) is not in these numbers.
-- Its columns are those of the view profiles, and `at`. (The engine shows no comments of a parameterised view's columns.)
-- The parameter is a String so that ISO 8601 with a zone, a bare date and a DateTime64 of the caller's all do.
CREATE OR REPLACE VIEW profiles_at
SQL SECURITY DEFINER AS WITH
    parseDateTime64BestEffort({at:String}, 3, 'UTC') AS instant,
    toUnixTimestamp64Milli(row.first_purchase_at) AS first_ms,
    row.purchase_days - 1 AS x,
    (toUnixTimestamp64Milli(row.last_purchase_at) - first_ms) / rule.unit_ms AS t_x,
    greatest((toUnixTimestamp64Milli(instant) - first_ms) / rule.unit_ms, t_x) AS age,
    rule.model = 'bgnbd' AS bg,
    row.purchase_days > 0 AND row.first_purchase_at <= instant AND rule.unit_ms > 0 AS known,
    pow((rule.alpha + age) / (rule.alpha + t_x), rule.r + x) AS odds,
    if(bg AND x = 0, 1., 1 / (1 + rule.a / (rule.b + x - bg) * odds)) AS alive,
    1 - pow((rule.alpha + age) / (rule.alpha + age + rule.horizon_ms / rule.unit_ms), rule.r + x) AS buys
SELECT row.* REPLACE (
    multiIf(row.p_alive = 0, 0., known, alive, NULL) AS p_alive,
    multiIf(row.p_alive = 0, 1., known, 1 - alive * buys, NULL) AS churn_risk
), instant AS at
FROM profiles AS row
LEFT JOIN policies AS rule ON rule.hash = row.policy_hash
COMMENT 'profiles_at(at = …): each customer with the chances as of that instant, all else as last published';
