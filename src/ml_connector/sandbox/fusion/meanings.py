"""Meanings in the languages of users: the text changes, the code beside it does not."""

from __future__ import annotations

MEANINGS: dict[str, dict[str, str]] = {
    "de": {
        "Posted": "Gebucht",
        "Unposted": "Nicht gebucht",
        "Error": "Fehler",
        "Selected for posting": "Zum Buchen ausgewählt",
        "Posting in progress": "Wird gebucht",
        "Actual": "Ist",
        "Encumbrance": "Obligo",
        "Complete": "Vollständig",
        "Incomplete": "Unvollständig",
        "Not required": "Nicht erforderlich",
        "Not applicable": "Nicht zutreffend",
        "Change sign": "Vorzeichen ändern",
        "Switch debit or credit": "Soll und Haben tauschen",
        "Not reconciled": "Nicht abgestimmt",
        "Yes": "Ja",
        "No": "Nein",
        "Corporation": "Kapitalgesellschaft",
        "Individual": "Einzelperson",
        "Partnership": "Personengesellschaft",
        "Spend Authorized": "Ausgabenberechtigt",
        "Prospective": "Potenziell",
        "Office Supplies": "Bürobedarf",
        "United States": "Vereinigte Staaten",
        "Germany": "Deutschland",
        "Import": "Import",
    },
    "fr": {
        "Posted": "Comptabilisé",
        "Unposted": "Non comptabilisé",
        "Error": "Erreur",
        "Actual": "Réel",
        "Encumbrance": "Engagement",
        "Complete": "Terminé",
        "Incomplete": "Incomplet",
        "Yes": "Oui",
        "No": "Non",
    },
}
"""Language to English meaning to translated meaning; what is missing stays English."""
