"""Exercises take documentation, private and loopback addresses only; real campaigns global ones.

Held by the database (contracts section 3): the case's `exercise` equals its campaign's, and the
address belongs to that world. Special ranges that are neither are refused for both.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION address_world(ip inet) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT CASE
    WHEN ip <<= ANY (ARRAY[
        '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20',
        '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7',
        '127.0.0.0/8', '::1/128']::inet[]) THEN 'exercise'
    WHEN ip <<= ANY (ARRAY[
        '0.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '192.0.0.0/24', '192.88.99.0/24',
        '198.18.0.0/15', '224.0.0.0/3']::inet[]) THEN 'special'
    WHEN family(ip) = 6 AND NOT ip <<= '2000::/3' THEN 'special'
    WHEN ip <<= ANY (ARRAY['2001::/23', '2002::/16']::inet[]) THEN 'special'
    ELSE 'real'
END $$;

ALTER TABLE "case" ADD CONSTRAINT case_address_world CHECK (
    address_world(ip) = CASE WHEN exercise THEN 'exercise' ELSE 'real' END);
ALTER TABLE "case" ADD CONSTRAINT case_kind_is_campaigns
    FOREIGN KEY (campaign_id, exercise) REFERENCES campaign (id, exercise);
"""
BACK = """
ALTER TABLE "case" DROP CONSTRAINT case_kind_is_campaigns;
ALTER TABLE "case" DROP CONSTRAINT case_address_world;
DROP FUNCTION address_world(inet);
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial"), ("campaigns", "0002_append_only_timeline")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
