"""The site's routes below `/<language>/`: open to everybody, or opened by a secret alone."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from openletter.site import answers, bundle, converters, genuine, letters, pages, roots

register_converter(converters.SecretInPath, "secret")
register_converter(converters.ReferenceInPath, "reference")
register_converter(converters.PressInPath, "press")

app_name = "site"

OPEN: list[URLPattern] = [
    path("", pages.home, name="home"),
    path("genuine", genuine.genuine, name="genuine"),
    path("open-relay", pages.relay, name="relay"),
    path("open-proxy", pages.proxy, name="proxy"),
    path("guides", pages.guides, name="guides"),
    path("guides/<slug:guide_id>", pages.guide, name="guide"),
    path("partners", pages.partners, name="partners"),
    path("contact", pages.contact, name="contact"),
    path("privacy", pages.privacy, name="privacy"),
    path("accessibility", pages.accessibility, name="accessibility"),
]

DATA: list[URLPattern] = [
    path("guides.json", pages.guides_data, name="guides-data"),
    path("guides/<slug:guide_id>.json", pages.guide_data, name="guide-data"),
]
"""For programs; open as well."""

LETTER = "l/<secret:secret>"
ROW = f"{LETTER}/<reference:reference>"
CASE = "c/<secret:secret>"

BEHIND_SECRET: list[URLPattern] = [
    path(LETTER, letters.letter, name="letter"),
    path(f"{LETTER}/all/pass-on", answers.letter_pass_on, name="letter-pass-on"),
    path(f"{LETTER}/all/pass-on/done", answers.letter_pass_on_done, name="letter-pass-on-done"),
    path(f"{LETTER}/all/files.zip", bundle.letter_files, name="letter-files"),
    path(f"{LETTER}/all/<press:press>", answers.letter_answer, name="letter-answer"),
    path(f"{LETTER}/all/<press:press>/done", answers.letter_answer_done, name="letter-answer-done"),
    path(ROW, letters.letter_case, name="letter-case"),
    path(f"{ROW}/pass-on", answers.letter_pass_on, name="letter-case-pass-on"),
    path(f"{ROW}/pass-on/done", answers.letter_pass_on_done, name="letter-case-pass-on-done"),
    path(f"{ROW}/<press:press>", answers.letter_answer, name="letter-case-answer"),
    path(f"{ROW}/<press:press>/done", answers.letter_answer_done, name="letter-case-answer-done"),
    path(CASE, letters.case, name="case"),
    path(f"{CASE}/pass-on", answers.case_pass_on, name="case-pass-on"),
    path(f"{CASE}/pass-on/done", answers.case_pass_on_done, name="case-pass-on-done"),
    path(f"{CASE}/<press:press>", answers.case_answer, name="case-answer"),
    path(f"{CASE}/<press:press>/done", answers.case_answer_done, name="case-answer-done"),
]

urlpatterns = [*OPEN, *DATA, *BEHIND_SECRET]

PUBLIC_ROUTES = frozenset(
    [f"{app_name}:{route.name}" for route in urlpatterns]
    + [f"{roots.app_name}:{route.name}" for route in roots.urlpatterns]
)
"""Every route of the site: no sign-in, and no address without its secret."""
