"""Names of the made-up world: towns, trades and providers that exist nowhere."""

from __future__ import annotations

from collections.abc import Mapping

TOWNS: Mapping[str, tuple[str, ...]] = {
    "NL": (
        "Duinwijk", "Laagbroek", "Kolkdam", "Zandmeer", "Elzenrade", "Brinkhuizen", "Wierhaven",
        "Oosterveld aan de Grift", "Rietgouw", "Molenkamp", "Heiderwoude", "Vlietsluis",
        "Sint Odulfsdijk", "Kwelderzijl",
    ),
    "BE": (
        "Lindekerke", "Hopbeek", "Westermolen", "Vlasrode", "Sint-Ambertus", "Bokrijsel",
        "Klaverzele", "Dendergaver", "Ravenhoutem", "Kantwijk", "Schorrebroek", "Veldegem-Noord",
        "Peppelvoorde", "Zilverbeke",
    ),
    "DE": (
        "Birkenau am Moor", "Lauterfelde", "Grünwalde-Siedlung", "Oberkieselbach", "Tannrode-West",
        "Heidstedt", "Königsfurth", "Mühlenrade", "Steinhöfel am Deich", "Niederquell",
        "Wacholdern", "Fuchsbergen", "Kirchlinden", "Salzmoor",
    ),
    "GB": (
        "Harrowmere", "Otterby", "Little Fenwick", "Saltmarsh Quay", "Thornbeck", "Elmstow",
        "Castle Winford", "Marlingate", "Upper Wexcombe", "Birchill", "Larkham", "Stonehithe",
        "Moorsby", "Quillhampton",
    ),
    "IE": (
        "Ballynacorra Hill", "Kilbrackan", "Drumreagh", "Clonveen", "Carrowfin", "Glenasheen",
        "Rathmorna", "Inishdoe", "Tobercross", "Lisnagreen", "Knockadara", "Ardfallow",
        "Mullaghbrack", "Corrabeg",
    ),
    "US": (
        "Cedar Hollow", "Port Larkin", "Maple Bend", "Granite Ferry", "Willow Prairie",
        "Saint Orrin", "Heron Lake", "Copper Mesa", "Juniper Flats", "Old Millbrook",
        "Sandhill Junction", "Blue Heron Bay", "Fort Tamsin", "Ashgrove",
    ),
}  # fmt: skip

# trade -> how an organisation of it is called; {} is the town
TRADES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "NL": (
        ("school", "Basisschool De Waterlelie {}"), ("tandarts", "Tandartspraktijk {}"),
        ("gemeente", "Gemeente {}"), ("bibliotheek", "Bibliotheek {}"),
        ("garage", "Autobedrijf Terpstra & Dochter {}"), ("notaris", "Notariskantoor {}"),
        ("dierenkliniek", "Dierenkliniek {}"), ("museum", "Streekmuseum {}"),
        ("hotel", "Hotel De Gouden Reiger {}"), ("bakker", "Bakkerij Van Elzen {}"),
        ("huisarts", "Huisartsenpost {}"), ("camping", "Camping Het Wad {}"),
        ("kwekerij", "Tulpenkwekerij {}"), ("woningbouw", "Woonstichting {}"),
    ),
    "BE": (
        ("school", "Vrije Basisschool {}"), ("tandarts", "Tandartsenpraktijk {}"),
        ("gemeente", "Gemeentebestuur {}"), ("bibliotheek", "Openbare Bibliotheek {}"),
        ("garage", "Garage Verlinden {}"), ("brouwerij", "Brouwerij De Hopbel {}"),
        ("apotheek", "Apotheek Sint-Lucas {}"), ("museum", "Vlasmuseum {}"),
        ("woonzorg", "Woonzorgcentrum Avondster {}"), ("bakker", "Bakkerij Dewaele {}"),
        ("architect", "Architectenbureau {}"), ("textiel", "Weverij {}"),
        ("drukkerij", "Drukkerij De Inktpot {}"), ("fanfare", "Koninklijke Fanfare {}"),
    ),
    "DE": (
        ("gymnasium", "Gymnasium {}"), ("zahnarzt", "Zahnarztpraxis {}"),
        ("gemeinde", "Gemeindeverwaltung {}"), ("buecherei", "Stadtbücherei {}"),
        ("autohaus", "Autohaus Brandl {}"), ("steuerberater", "Steuerkanzlei {}"),
        ("tierarzt", "Tierarztpraxis {}"), ("museum", "Heimatmuseum {}"),
        ("gasthof", "Gasthof Zum Hirschen {}"), ("baeckerei", "Bäckerei Oellers {}"),
        ("apotheke", "Linden-Apotheke {}"), ("feuerwehr", "Freiwillige Feuerwehr {}"),
        ("schreinerei", "Schreinerei Weidmann {}"), ("turnverein", "Turnverein {}"),
    ),
    "GB": (
        ("school", "{} Primary School"), ("dental", "{} Dental Practice"),
        ("council", "{} Town Council"), ("library", "{} Community Library"),
        ("garage", "{} Motor Repairs"), ("solicitors", "Pell & Ashdown Solicitors, {}"),
        ("vets", "{} Veterinary Surgery"), ("museum", "{} Lifeboat Museum"),
        ("inn", "The Three Herons, {}"), ("bakery", "{} Bakehouse"),
        ("surgery", "{} Medical Centre"), ("cricket", "{} Cricket Club"),
        ("nursery", "{} Garden Nursery"), ("housing", "{} Housing Association"),
    ),
    "IE": (
        ("school", "{} National School"), ("dental", "{} Dental Clinic"),
        ("council", "{} Community Council"), ("library", "{} Branch Library"),
        ("garage", "Tierney Motors {}"), ("coop", "{} Farmers' Co-operative"),
        ("vets", "{} Veterinary Clinic"), ("gaa", "{} Athletic Club"),
        ("hotel", "{} Harbour Hotel"), ("bakery", "{} Bread Company"),
        ("pharmacy", "Hanlon's Pharmacy {}"), ("parish", "Parish of {}"),
        ("nursery", "{} Plant Nursery"), ("credit", "{} Savings Union"),
    ),
    "US": (
        ("school", "{} School District"), ("dental", "{} Family Dentistry"),
        ("city", "City of {}"), ("library", "{} Public Library"),
        ("auto", "{} Auto & Tire"), ("law", "Brandt Okafor Law Office, {}"),
        ("vet", "{} Animal Hospital"), ("museum", "{} Railroad Museum"),
        ("motel", "Blue Lantern Motel, {}"), ("bakery", "{} Bread & Pie"),
        ("clinic", "{} Walk-in Clinic"), ("church", "First Chapel of {}"),
        ("feed", "{} Feed & Seed"), ("radio", "{} Community Radio"),
    ),
}  # fmt: skip

# country, provider, the hoster that rents a part of its space
PROVIDERS: tuple[tuple[str, str, str], ...] = (
    ("NL", "Duinwijk Internet", "Stapelwolk Hosting"),
    ("NL", "Glasvezel Laagland", "Servershuis Kolkdam"),
    ("BE", "Lindenet", "Hopbeek Servers"),
    ("BE", "Scheldekabel Westermolen", "Vlasrode Webhuis"),
    ("DE", "Heidstedt Netz", "Rechenwerk Mühlenrade"),
    ("DE", "Moorland Glasfaser", "Wolkenstall Hosting"),
    ("GB", "Harrowmere Broadband", "Elmstow Rackspaces"),
    ("IE", "Drumreagh Telecom", "Clonveen Cloud"),
    ("US", "Cedar Hollow Fiber", "Granite Ferry Hosting"),
    ("US", "Prairie Loop Networks", "Copper Mesa Virtual"),
    ("US", "Heron Lake Cable", "Juniper Flats Colocation"),
    ("GB", "Saltmarsh Online", "Quillhampton Data"),
)

# people who stand alone in a registry, with an address of their own
PERSONS: tuple[str, ...] = (
    "J. Terwiel", "M. Okonjo", "A. Vandersteen", "P. Lindqvist", "S. Oellers", "R. Hanlon",
    "T. Ashdown", "K. Brandl", "E. de Ruijterhof", "C. Marlingate", "D. Weidmann", "L. Tierney",
)  # fmt: skip
