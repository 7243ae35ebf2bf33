"""A delivery's kind equals its campaign's; exercise mail has reserved domains, real mail has not.

Reserved names: RFC 2606 and RFC 6761 (`.test`, `.example`, `.invalid`, `.localhost`,
example.com, example.net, example.org).
"""

from django.db import migrations

FORWARD = r"""
CREATE FUNCTION mailbox_is_reserved(mailbox text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT mailbox ~ '(@|\.)(test|example|invalid|localhost|example\.(com|net|org))$'
$$;
ALTER TABLE delivery ADD CONSTRAINT delivery_kind_is_campaigns
    FOREIGN KEY (campaign_id, exercise) REFERENCES campaign (id, exercise);
ALTER TABLE delivery ADD CONSTRAINT delivery_mailbox_world CHECK (
    mailbox_is_reserved(mailbox) = exercise AND lower(recipient) ~ '@'
    AND mailbox_is_reserved(lower(recipient)) = exercise);
"""
BACK = """
ALTER TABLE delivery DROP CONSTRAINT delivery_mailbox_world;
ALTER TABLE delivery DROP CONSTRAINT delivery_kind_is_campaigns;
DROP FUNCTION mailbox_is_reserved(text);
"""


class Migration(migrations.Migration):
    dependencies = [("letters", "0001_initial"), ("campaigns", "0002_append_only_timeline")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
