"""The timeline cannot be changed afterwards, not even by the role that owns it by mistake."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the timeline is append-only (% refused)', TG_OP;
END $$;
CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline
    FOR EACH ROW EXECUTE FUNCTION timeline_is_append_only();
CREATE TRIGGER timeline_no_truncate BEFORE TRUNCATE ON timeline
    FOR EACH STATEMENT EXECUTE FUNCTION timeline_is_append_only();
"""
BACK = """
DROP TRIGGER timeline_append_only ON timeline;
DROP TRIGGER timeline_no_truncate ON timeline;
DROP FUNCTION timeline_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
