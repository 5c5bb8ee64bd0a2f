"""The words that a renderer adds to a page, in the page's language: those of Quarto, for the languages listed here.

A page in another language is refused: half of its labels in English would be wrong without a word.
"""

from __future__ import annotations

import datetime

from sae.errors import RenderError

_KEYS = """
fig|tbl|lst|eq|thm|lem|cor|prp|cnj|def|exm|exr|note|tip|warning|important|caution|proof|remark|solution|code|
toc|author|authors|affiliation|affiliations|published|modified|footnotes|references|previous|next|skip
"""
_WORDS = {
    "en": "Figure|Table|Listing|Equation|Theorem|Lemma|Corollary|Proposition|Conjecture|Definition|Example|Exercise|"
    "Note|Tip|Warning|Important|Caution|Proof|Remark|Solution|Code|On this page|Author|Authors|Affiliation|"
    "Affiliations|Published|Modified|Footnotes|References|Previous|Next|Skip to the text",
    "de": "Abbildung|Tabelle|Listing|Gleichung|Theorem|Lemma|Korollar|Aussage|Annahme|Definition|Beispiel|"
    "Übungsaufgabe|Hinweis|Tipp|Warnung|Wichtig|Vorsicht|Beweis|Anmerkung|Lösung|Code|Auf dieser Seite|Autor:in|"
    "Autor:innen|Zugehörigkeit|Zugehörigkeiten|Veröffentlichungsdatum|Geändert|Fußnoten|"
    "Literatur|Zurück|Weiter|Zum Text",
    "fr": "Figure|Table|Listing|Équation|Théorème|Lemme|Corollaire|Proposition|Conjecture|Définition|Exemple|Exercice|"
    "Note|Astuce|Avertissement|Important|Mise en garde|Preuve|Remarque|Solution|Code|Sur cette page|Auteur·rice|"
    "Auteur·rice·s|Affiliation|Affiliations|Date de publication|Modifié|Notes de bas de page|"
    "Les références|Précédent|Suivant|Aller au texte",
    "es": "Figura|Tabla|Listado|Ecuación|Teorema|Lema|Corolario|Proposición|Conjetura|Definición|Ejemplo|Ejercicio|"
    "Nota|Tip|Advertencia|Importante|Precaución|Prueba|Observación|Solución|Código|En esta página|Autor/a|Autores/as|"
    "Afiliación|Afiliaciones|Fecha de publicación|Fecha de modificación|Notas|Referencias|"
    "Anterior|Siguiente|Ir al texto",
    "it": "Figura|Tabella|Lista|Equazione|Teorema|Lemma|Corollario|Proposizione|Congettura|Definizione|Esempio|"
    "Esercizio|Nota|Consiglio|Avviso|Importante|Attenzione|Dimostrazione|Osservazione|Soluzione|Codice|"
    "In questa pagina|Autore/Autrice|Autori|Affiliazione|Affiliazioni|Data di Pubblicazione|Data di modifica|Note|"
    "Referenze|Precedente|Successiva|Vai al testo",
    "nl": "Figuur|Tabel|Listing|Vergelijking|Stelling|Lemma|Conclusie|Voorstel|Aanname|Definitie|Voorbeeld|Oefening|"
    "Opmerking|Tip|Waarschuwing|Belangrijk|Opgelet|Bewijs|Opmerking|Oplossing|Code|Op deze pagina|Auteur|Auteurs|"
    "Affiliatie|Affiliaties|Publicatiedatum|Gewijzigd|Voetnoten|Referenties|Vorige|Volgende|Naar de tekst",
    "pt": "Figura|Tabela|Listagem|Equação|Teorema|Lema|Corolário|Proposição|Conjetura|Definição|Exemplo|Exercício|"
    "Nota|Dica|Aviso|Importante|Cuidado|Comprovação|Comentário|Solução|Código|Nesta página|Autor|Autores|Afiliação|"
    "Afiliações|Data de Publicação|Data de Modificação|Notas de rodapé|Referências|Anterior|Seguinte|Ir para o texto",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_DATES = {"en": "{month} {day}, {year}", "de": "{day}. {month} {year}", "es": "{day} de {month} de {year}",
          "pt": "{day} de {month} de {year}"}  # fmt: skip
# Variants for which Quarto has words of their own.
_OTHERS = ("de-CH", "fr-CA", "pt-BR")


def base(lang: str, file: str = "", line: int = 0) -> str:
    """`de` of `de` and `de-AT`. Raises RenderError for a language without words here."""
    name = lang.split("-")[0].lower()
    if name not in _WORDS or lang in _OTHERS:
        known = ", ".join(_WORDS)
        raise RenderError(f"lang: {lang!r} is not supported by the embedded renderer, only {known}", file, line)
    return name


def words(name: str) -> dict[str, str]:
    """The words of a language by what they stand for, such as `fig` or `footnotes`."""
    return dict(zip("".join(_KEYS.split()).split("|"), _WORDS[name].split("|"), strict=True))


def long_date(day: datetime.date, name: str) -> str:
    """`August 21, 2026`, as the language writes it."""
    month = _MONTHS[name].split()[day.month - 1]
    return _DATES.get(name, "{day} {month} {year}").format(day=day.day, month=month, year=day.year)
