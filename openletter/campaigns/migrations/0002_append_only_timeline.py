"""The timeline cannot be changed afterwards, not even by the role that owns it by mistake.

TRUNCATE is the owner's alone (the application's role has no right to it); who owns the table
could drop a trigger against it just as well, and `audit verify` shows a chain that begins anew.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the timeline is append-only (% refused)', TG_OP;
END $$;
CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline
    FOR EACH ROW EXECUTE FUNCTION timeline_is_append_only();

-- whatever default privileges gave other roles, they may add entries and read them, no more
DO $$
DECLARE other text;
BEGIN
    FOR other IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_name = 'timeline' AND grantee NOT IN (current_user, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON timeline FROM %I', other);
    END LOOP;
END $$;
"""
BACK = """
DROP TRIGGER timeline_append_only ON timeline;
DROP FUNCTION timeline_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
