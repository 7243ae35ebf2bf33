"""Every route there is: the site below `/<language>/`, the desk below `/desk/`, and /healthz."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, URLResolver, include, path

from openletter.shell.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("desk/", include("openletter.desk.urls")),
    path("", include("openletter.site.roots")),
    *i18n_patterns(path("", include("openletter.site.urls"))),
]
handler400 = "openletter.site.errors.bad_request"
handler403 = "openletter.site.errors.forbidden"
handler404 = "openletter.site.errors.not_found"
handler500 = "openletter.site.errors.broken"
