"""The one settings file: what the environment, `*_FILE` and openletter.toml say, with types.

Business knobs (pace, waves, thresholds, languages of a campaign) are columns of `Campaign`,
changed on the desk and recorded in the timeline; they are never settings.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from openletter.shell import configuration as read
from openletter.shell import logs, outside, secrets, smarthost, telling
from openletter.shell.database import settings_for
from openletter.words import LANGUAGES as PROJECT_LANGUAGES

READER = read.reader_for(os.environ)

# -- where things are --------------------------------------------------------------------------
STATE: Path = READER.read(
    "OPENLETTER_STATE",
    read.to_path,
    default=".state",
    about="Folder of everything that is kept: database, keys, journal, spool, logs.",
)
CONFIG: Path = READER.read(
    "OPENLETTER_CONFIG",
    read.to_path,
    default="openletter.toml",
    about="The one file of settings; keys are names in lower case without `OPENLETTER_`.",
)

# -- database ------------------------------------------------------------------------------------
DATABASE_URL: str = READER.read(
    "DATABASE_URL",
    read.to_database_url,
    default="",
    secret=True,
    about="PostgreSQL 15 to 18 for the application's role. Empty: the embedded server.",
)
DATABASE_OWNER_URL: str = READER.read(
    "DATABASE_OWNER_URL",
    read.to_database_url,
    default="",
    secret=True,
    about="The role that owns the tables and migrates. Empty: the embedded server's, or the same.",
)
DATABASE_AS: str = READER.read(
    "OPENLETTER_DATABASE_AS",
    read.to_choice("app", "owner"),
    default="app",
    about="Which role this process takes: `app`, or `owner` for migrations only.",
)
PG_BIN: str = READER.read(
    "OPENLETTER_PG_BIN",
    read.to_text,
    default="",
    about="Folder with initdb, pg_ctl and postgres, instead of the wheel's.",
)

# -- faces ---------------------------------------------------------------------------------------
LISTEN: read.Endpoint = READER.read(
    "OPENLETTER_LISTEN",
    read.to_endpoint,
    default="127.0.0.1:8000",
    about="Where site and desk listen. A proxy with TLS stands in front of it.",
)
METRICS_LISTEN: read.Endpoint = READER.read(
    "OPENLETTER_METRICS",
    read.to_endpoint,
    default="127.0.0.1:9108",
    about="Where /metrics listens; loopback only, anything else is refused.",
)
SITE_ADDRESS: str = READER.read(
    "OPENLETTER_SITE_ADDRESS",
    read.to_web_address,
    default=f"http://{LISTEN}",
    about="The site's public address as it is printed in letters.",
)
SECRET_KEY: str = READER.read(
    "OPENLETTER_SECRET_KEY",
    read.to_text,
    default="",
    secret=True,
    about="Signs sessions. Empty: drawn once and kept in the state folder, 0600.",
) or secrets.keep(STATE / "keys" / "session", secrets.draw)
OPERATOR: str = READER.read(
    "OPENLETTER_OPERATOR",
    read.to_text,
    default="",
    about="Who runs this installation, as the site names it.",
)
CONTACT_MAIL: str = READER.read(
    "OPENLETTER_CONTACT_MAIL",
    read.to_text,
    default="",
    about="Address for questions about the letters, printed on the site.",
)
CONTACT_PHONE: str = READER.read(
    "OPENLETTER_CONTACT_PHONE",
    read.to_text,
    default="",
    about="Telephone number for questions, printed on the site.",
)
SECURITY_CONTACT: str = READER.read(
    "OPENLETTER_SECURITY_CONTACT",
    read.to_text,
    default="",
    about="mailto: or https: address for security.txt; empty: there is no security.txt.",
)
SECURITY_EXPIRES: str = READER.read(
    "OPENLETTER_SECURITY_EXPIRES",
    read.to_text,
    default="",
    about="Day on which security.txt expires (ISO 8601).",
)
BEHIND_PROXY: bool = READER.read(
    "OPENLETTER_BEHIND_PROXY",
    read.to_flag,
    default="no",
    about="Believe X-Forwarded-Proto and the last X-Forwarded-For of a proxy in front.",
)

# -- mail ----------------------------------------------------------------------------------------
SMARTHOST: read.Endpoint = READER.read(
    "OPENLETTER_SMARTHOST",
    read.to_endpoint,
    default="127.0.0.1:25",
    about="The mail server that real letters are handed to. Exercises never use it.",
)
LEAVING: smarthost.Leaving = smarthost.read_leaving(READER)
EHLO_NAME: str = READER.read(
    "OPENLETTER_EHLO_NAME",
    read.to_text,
    default="",
    about="Name given in EHLO; empty: the host's own name.",
)
MAILBOX_PORT: int = READER.read(
    "OPENLETTER_MAILBOX_PORT",
    read.to_number,
    default="0",
    about="Loopback port of the exercises' built-in mailbox; 0: the demonstration's own.",
)
INTAKE_LISTEN: read.Endpoint = READER.read(
    "OPENLETTER_INTAKE_LISTEN",
    read.to_endpoint,
    default="127.0.0.1:2525",
    about="Where replies and bounces come in (SMTP), behind your own mail server.",
)
MAIL_DOMAIN: str = READER.read(
    "OPENLETTER_MAIL_DOMAIN",
    read.to_text,
    default="openletter.invalid",
    about="Domain of the sender and of the signature.",
)
DKIM_SELECTOR: str = READER.read(
    "OPENLETTER_DKIM_SELECTOR",
    read.to_text,
    default="openletter",
    about="Name of the first signing key in DNS; `openletter keys` makes the next ones.",
)
OPENPGP_PASSPHRASE: str = READER.read(
    "OPENLETTER_OPENPGP_PASSPHRASE",
    read.to_text,
    default="",
    secret=True,
    about="Opens partners' OpenPGP keys; name a file in `OPENLETTER_OPENPGP_PASSPHRASE_FILE`.",
)

# -- looking after it ----------------------------------------------------------------------------
LOG_LEVEL: str = READER.read(
    "OPENLETTER_LOG_LEVEL",
    read.to_choice("debug", "info", "warning", "error"),
    default="info",
    about="How much is logged; no level logs tokens or mail bodies.",
)

TELLING: telling.Telling = telling.read_telling(READER, smarthost=SMARTHOST)

OUTSIDE: outside.Outside = outside.read_outside(READER)
READER.refuse_unknown_keys()
if DKIM_SELECTOR == "exercise":
    raise read.BadSettingError(
        "OPENLETTER_DKIM_SELECTOR", origin="check", problem="`exercise` signs exercises only"
    )
if not METRICS_LISTEN.is_loopback:
    raise read.BadSettingError(
        "OPENLETTER_METRICS", origin="check", problem="metrics are for loopback only"
    )

# -- Django --------------------------------------------------------------------------------------
_IS_TLS = SITE_ADDRESS.startswith("https:")
_ROOMS = "campaigns evidence cases contacts letters replies outcomes frame site desk".split()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "procrastinate.contrib.django",
    *[f"openletter.{room}" for room in _ROOMS],
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
_PROCESSORS = [
    "django.template.context_processors.request",
    "django.template.context_processors.i18n",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "openletter.frame.context.frame",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": _PROCESSORS},
    }
]
ROOT_URLCONF = "openletter.shell.urls"
WSGI_APPLICATION = "openletter.shell.wsgi.application"
DATABASES: dict[str, dict[str, Any]] = {
    "default": settings_for(
        STATE, url=DATABASE_URL, owner_url=DATABASE_OWNER_URL, as_owner=DATABASE_AS == "owner"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

LANGUAGE_CODE = "en"
LANGUAGES = [
    (one.tag.lower(), one.name) for one in PROJECT_LANGUAGES.values() if one.site == "complete"
]
USE_I18N = True

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the packages: nothing to collect

# -- doors ---------------------------------------------------------------------------------------
ALLOWED_HOSTS = [urlsplit(SITE_ADDRESS).hostname or "", "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_ADDRESS]
_POLICY = {name: [SELF] for name in ("style-src", "img-src", "form-action")}
_POLICY |= {name: [NONE] for name in ("default-src", "frame-ancestors", "base-uri")}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": _POLICY}  # a page that needs more says so itself
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "openletter.site.errors.csrf"
SESSION_COOKIE_NAME = "desk"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_TLS
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
LOGIN_URL = "/desk/sign-in/"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = LOGIN_URL
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
_VALIDATORS = {
    "MinimumLengthValidator": {"min_length": 12},
    "CommonPasswordValidator": {},
    "UserAttributeSimilarityValidator": {},
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in _VALIDATORS.items()
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "openletter.desk.signing.locked_out"
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = 1 if BEHIND_PROXY else 0
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

LOGGING = logs.logging_config(level=LOG_LEVEL)
PROCRASTINATE_ON_APP_READY = "openletter.shell.queue.on_app_ready"
