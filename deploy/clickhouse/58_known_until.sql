CREATE OR REPLACE VIEW known_until
(
    at DateTime64(3, 'UTC') COMMENT 'Last instant of the log that a transition or a profile tells of; 1970 without any'
)
SQL SECURITY DEFINER AS SELECT greatest(last_fact, last_known, last_profile) AS at
FROM (SELECT max(at) AS last_fact, max(known_at) AS last_known FROM transitions_raw) AS facts
CROSS JOIN (SELECT max(as_of) AS last_profile FROM profiles_raw) AS published
COMMENT 'How far the reports reach: what is still open is counted until then';
