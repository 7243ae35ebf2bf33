"""Routes of the desk, below `/desk/`. Names are promises; pages read, verbs change."""

from __future__ import annotations

from django.urls import URLPattern, path

from openletter.desk import signing
from openletter.desk.pages import (
    campaigns,
    cases,
    contacts,
    front,
    inbox,
    letters,
    people,
    sources,
    stops,
    withdrawals,
    wordings,
)

app_name = "desk"
PUBLIC_ROUTES = frozenset({"desk:sign-in", "desk:sign-out", "desk:language"})
"""Open to anybody: they show no row and change nothing but the visitor's own cookies."""

urlpatterns: list[URLPattern] = [
    path("", front.front, name="front"),
    path("installation/go-on/", front.installation_go_on, name="installation-go-on"),
    path("sign-in/", signing.sign_in, name="sign-in"),
    path("sign-out/", signing.sign_out, name="sign-out"),
    path("language/", signing.language, name="language"),
    path("me/", people.me, name="me"),
    path("me/password/", people.change_password, name="change-password"),
    path("campaigns/", campaigns.listing, name="campaigns"),
    path("campaigns/<slug:slug>/", campaigns.campaign, name="campaign"),
    path("campaigns/<slug:slug>/plan/", campaigns.plan, name="plan"),
    path("campaigns/<slug:slug>/cases.csv", campaigns.export, name="export"),
    path("campaigns/<slug:slug>/close-draft/", campaigns.close_draft, name="close-draft"),
    path("campaigns/<slug:slug>/approve/", campaigns.approve, name="approve"),
    path("campaigns/<slug:slug>/start/", campaigns.start, name="start"),
    path("campaigns/<slug:slug>/go-on/", campaigns.go_on, name="go-on"),
    path("campaigns/<slug:slug>/update/", campaigns.update_wave, name="update-wave"),
    path("campaigns/<slug:slug>/letters/", campaigns.switch_letters, name="switch-letters"),
    path("campaigns/<slug:slug>/waves/<slug:kind>/", campaigns.open_wave, name="open-wave"),
    path("campaigns/<slug:slug>/pause/", campaigns.pause, name="pause"),
    path("campaigns/<slug:slug>/resume/", campaigns.resume, name="resume"),
    path("campaigns/<slug:slug>/finish/", campaigns.finish, name="finish"),
    path("cases/", cases.listing, name="cases"),
    path("cases/<str:reference>/", cases.case, name="case"),
    path("cases/<str:reference>/fixed/", cases.announce_fixed, name="announce-fixed"),
    path("cases/<str:reference>/not-fixed/", cases.not_fixed, name="not-fixed"),
    path("cases/<str:reference>/withdraw/", cases.withdraw, name="withdraw"),
    path("cases/<str:reference>/reopen/", cases.reopen, name="reopen"),
    path("cases/<str:reference>/override/", cases.override, name="override"),
    path("cases/<str:reference>/hand-over/", contacts.hand_over, name="hand-over"),
    path("contacts/", contacts.report, name="contacts"),
    path("inbox/", inbox.listing, name="inbox"),
    path("inbox/<int:pk>/", inbox.reply, name="reply"),
    path("inbox/<int:pk>/answer/", inbox.answer, name="answer"),
    path("inbox/<int:pk>/correct/", inbox.correct, name="correct"),
    path("inbox/<int:pk>/undo/", inbox.undo, name="undo"),
    path("inbox/<int:pk>/settle/", inbox.settle, name="settle"),
    path("inbox/<int:pk>/give-time/", inbox.give_time, name="give-time"),
    path("inbox/<int:pk>/take-time-back/", inbox.take_time_back, name="take-time-back"),
    path("letters/", letters.listing, name="deliveries"),
    path("letters/deliveries/<int:pk>/clear/", letters.clear_again, name="clear-again"),
    path("letters/<str:reference>/", letters.letter, name="letter"),
    path("wordings/", wordings.listing, name="wordings"),
    path("wordings/<slug:slug>/<slug:kind>/<slug:language>/", wordings.wording, name="wording"),
    path(
        "wordings/<slug:slug>/<slug:kind>/<slug:language>/approve/",
        wordings.approve,
        name="approve-wording",
    ),
    path(
        "wordings/<slug:slug>/<slug:kind>/<slug:language>/take-back/",
        wordings.take_back,
        name="take-wording-back",
    ),
    path("sources/", sources.listing, name="sources"),
    path("withdrawals/", withdrawals.listing, name="withdrawals"),
    path("withdrawals/preview/", withdrawals.preview, name="withdrawal-preview"),
    path("withdrawals/take-back/", withdrawals.take_back, name="take-back"),
    path("withdrawals/<int:pk>/", withdrawals.withdrawal, name="withdrawal"),
    path(
        "withdrawals/<int:pk>/approve/",
        withdrawals.approve_correction,
        name="approve-correction",
    ),
    path("withdrawals/<int:pk>/restore/", withdrawals.restore, name="restore"),
    path("stops/", stops.listing, name="stops"),
    path("stops/suppressions/", stops.suppress, name="suppress"),
    path("stops/suppressions/<int:pk>/lift/", stops.lift_suppression, name="lift-suppression"),
    path("stops/exclusions/", stops.exclude, name="exclude"),
    path("stops/exclusions/<int:pk>/lift/", stops.lift_exclusion, name="lift-exclusion"),
]
