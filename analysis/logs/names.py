"""What headings and labels call the kinds, in a dozen languages: whole names, words in a name, and parts of words.

A name under `unsorted` is known and no kind's: what stands below "Usage" or "Attending" is no work, step or question.
"""

from __future__ import annotations

import re
import unicodedata

from analysis.logs.items import Kind

_ENGLISH: dict[Kind, str] = {
    "question": """
        question, questions, q, confusion, confusions, confused about, unknowns, uncertainties,
        unclear, puzzles, mysteries, blockers, stuck on, stuck, what i dont understand, things i dont
        understand, what i want to know, what confuses me, research questions, doubts, open issues, unsolved,
        answered, answered questions, solved, resolved, closed questions, answers, beantwortet, resolu,
        help wanted, where i need help, where i am stuck
    """,
    "next_step": """
        next step, next steps, next, todo, todos, to do, to dos, to do list, todo list, plan, plans,
        action items, actions, future work, further work, future directions, future plans, what
        next, what is next, whats next, up next, to try, things to try, ideas, idea, ideas to try,
        tasks, to be done, not done, still to do, not done yet, remaining work, fixme, tomorrow,
        next week, next time, roadmap, backlog, milestones, upcoming, tbd, what is left, whats left,
        left to do, remaining, what i did not get to, wishlist, for next time, homework, follow up, follow ups
    """,
    "learning": """
        learning, learnings, learned, learnt, observation, observations, finding, findings, result,
        results, what i learn, what i learned, what i learnt, what we learned, what i found, things
        i learned, things learned, takeaway, takeaways, take aways, insight, insights, lesson,
        lessons, lessons learned, saw, seen, noticed, what i saw, what i see, what we saw, what i noticed, what
        happened, outcome, outcomes, surprises, conclusion, conclusions, tldr, tl dr, found, discoveries,
        what we found, known issues, known problems, limitations, moral, verdict, what came of it, gotchas
    """,
    "done": """
        done, work done, what i did, what we did, what was done, things done, work completed,
        completed, finished, progress, accomplished, accomplishments, stuff i did, things i did,
        work, did, changes, what i tried, what we tried, what i built, what i changed, changelog, release notes,
        what works, shipped, since last time
    """,
    "resource": """
        cool stuff, resource, resources, relevant literature, literature, references, reference,
        links, reading, reading list, to read, papers, related work, bibliography, further reading,
        cool links, cool papers, useful links, tools, datasets, code, see also
    """,
    "background": """
        background, goal, goals, hypothesis, hypotheses, motivation, context, introduction, intro,
        overview, aim, aims, objective, objectives, setup, abstract, why, why im doing this,
        why we do this, why this, assumptions, purpose, deviations, problem statement, summary of the project
    """,
    "unsorted": """
        usage, install, installation, installing, getting started, quickstart, quick start, requirements,
        dependencies, how to use, how to run, faq, frequently asked questions, licence, license, citation, citing,
        contributing, attending, attendees, participants, agenda, config, configuration, hyperparameters,
        hardware, environment, table of contents, contents, misc, personal, private
    """,
}
_OTHER_LANGUAGES: dict[Kind, str] = {
    # German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Russian, Turkish
    "question": """
        frage, fragen, offene fragen, offene punkte, unklar, unklarheiten, ratsel, rückfragen,
        questions ouvertes, doutes, interrogations, ce que je ne comprends pas,
        pregunta, preguntas, preguntas abiertas, dudas, duda, domanda, domande, domande aperte, dubbi,
        pergunta, perguntas, duvidas, perguntas em aberto, vraag, vragen, open vragen, onduidelijk,
        fraga, fragor, oppna fragor, pytanie, pytania, watpliwosci, вопрос, вопросы, открытые вопросы, непонятно,
        soru, sorular
    """,
    "next_step": """
        nachste schritte, nachster schritt, zu tun, aufgaben, offen, plan, plane, vorhaben, morgen, nachste woche,
        als nachstes, ideen, ausblick, noch zu tun,
        prochaines etapes, prochaine etape, a faire, reste a faire, la suite, idees, demain, pistes,
        proximos pasos, siguiente paso, siguientes pasos, por hacer, pendiente, pendientes, tareas, manana,
        prossimi passi, da fare, domani, idee, passi successivi, proximos passos, a fazer, por fazer, tarefas, amanha,
        ideias, volgende stappen, te doen, morgen, ideeen, nasta steg, att gora, imorgon, uppgifter,
        nastepne kroki, do zrobienia, zadania, jutro, plany, следующие шаги, план, планы, задачи, сделать,
        завтра, дальше, идеи, yapilacaklar, sonraki adimlar
    """,
    "learning": """
        erkenntnisse, erkenntnis, ergebnisse, ergebnis, beobachtungen, beobachtung, gelernt, befunde, befund, fazit,
        schlussfolgerungen, was ich gelernt habe,
        resultats, resultat, ce que jai appris, enseignements, lecons, constats, constat, conclusions, bilan,
        resultados, resultado, observaciones, aprendizajes, lo que aprendi, hallazgos, conclusiones,
        risultati, risultato, osservazioni, cosa ho imparato, conclusioni, scoperte,
        observacoes, aprendizados, o que aprendi, conclusoes, descobertas,
        resultaten, bevindingen, waarnemingen, geleerd, conclusies, inzichten,
        resultater, slutsatser, observationer, lardomar, wyniki, wnioski, obserwacje, czego sie nauczylem,
        результаты, результат, наблюдения, выводы, вывод, чему я научился, sonuclar, bulgular, gozlemler
    """,
    "done": """
        gemacht, erledigt, getan, fertig, was ich gemacht habe, heute gemacht, fortschritt, arbeit, abgeschlossen,
        fait, ce qui est fait, ce que jai fait, travail effectue, termine, avancement, realise,
        hecho, lo que hice, trabajo realizado, avances, terminado, progreso,
        fatto, cosa ho fatto, lavoro svolto, completato, feito, o que fiz, trabalho feito, concluido, progresso,
        gedaan, wat ik deed, klaar, voortgang, gjort, klart, framsteg, zrobione, co zrobilem, postepy,
        сделано, что сделано, готово, прогресс, yapilanlar, tamamlanan
    """,
    "resource": """
        quellen, literatur, verweise, material, lesestoff, ressources, liens, lectures, bibliographie,
        recursos, enlaces, referencias, lecturas, bibliografia, risorse, collegamenti, riferimenti, letture,
        referencias, leituras, bronnen, literatuur, kallor, lankar, zrodla, linki, ссылки, источники, литература,
        kaynaklar
    """,
    "background": """
        ziel, ziele, hintergrund, zweck, kontext, einleitung, worum es geht, vermutung, hypothese, hypothesen,
        objectif, objectifs, contexte, introduction, hypotheses,
        objetivo, objetivos, contexto, introduccion, hipotesis, antecedentes,
        obiettivo, obiettivi, contesto, introduzione, ipotesi, motivacao, introducao, hipoteses,
        doel, doelen, achtergrond, inleiding, bakgrund, syfte, cel, cele, tlo, hipoteza,
        цель, цели, контекст, введение, гипотеза, гипотезы, amac, hedef
    """,
}


def folded(text: str) -> str:
    """Lower case, without accents and apostrophes: "Próximos" is "proximos"; other scripts stay whole."""
    plain = re.sub(r"['\u2019`]", "", text.casefold())
    latin = "".join(c for c in unicodedata.normalize("NFKD", plain) if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFKC", latin)


def _words(names: str) -> list[str]:
    return [" ".join(re.findall(r"[^\W\d_]+", folded(name))) for name in names.split(",") if name.strip()]


# English last: where two languages share a word, it is read as English
NAMES: dict[str, Kind] = {
    name: kind for table in (_OTHER_LANGUAGES, _ENGLISH) for kind, names in table.items() for name in _words(names)
}
"""Kind by whole name."""

ENGLISH_NAMES: tuple[str, ...] = tuple(
    name for kind, names in _ENGLISH.items() if kind != "unsorted" for name in _words(names)
)
"""The names in which a slip of the pen is looked for."""

# What a heading that is no known name is about, by a word in it: "Stuff I got through", "Nice finds", "Why bother".
_HINT_WORDS: tuple[tuple[Kind, str], ...] = (
    (
        "question",
        (
            r"huh|hmm+|puzzl\w+|confus\w+|myster\w+|unclear|unsure|not sure|to ask|wonder\w*|questions?"
            r"|dont (?:know|get)"
            r"|fragen?|preguntas?|dudas|domande|perguntas?|vragen|pytania|вопросы"
        ),
    ),
    (
        "next_step",
        (
            r"up next|tomorrow|next|later|to try|to do|todo|plans?|planned|ideas|roadmap|before the (?:next )?\w+"
            r"|(?:did not|didnt) (?:\w+ )?(?:get to|finish|manage)|schritte|a faire|pasos|da fare|passos|stappen|шаги"
        ),
    ),
    (
        "learning",
        (
            r"noticed|came out|came of|saw|seen|learn(?:ed|t|ings?)?|turned out|surpris\w+|observ\w+|found|findings"
            r"|results?|resultats|resultados|risultati|ergebnisse|gelernt|wyniki|результаты"
        ),
    ),
    ("done", r"did|got (?:through|done)|worked on|finished|accomplished|completed|at the bench|in the lab"),
    ("resource", r"finds|papers|links|reads|reading|literature|resources|liens|enlaces"),
    ("background", r"why (?:bother|this|we|i|im|it)|motivation|background|context|goals?|ziele?|objectifs?"),
)
HINTS = [(kind, re.compile(rf"\b(?:{words})\b")) for kind, words in _HINT_WORDS]
"""A word in a short name that tells the kind."""

# Chinese, Japanese and Korean write no blanks between words.
_PARTS: tuple[tuple[Kind, str], ...] = (
    (
        "next_step",
        "下一步|待办|待辦|计划|計劃|接下来|接下來|未完成|明天|想法|次の|次に|次回|やること|予定|課題|明日|TODO",
    ),
    ("next_step", "다음|할 일|할일|계획|내일|아이디어"),
    ("question", "问题|問題|疑问|疑問|疑惑|困惑|不明|質問|わからない|분からない|질문|의문|궁금|모르"),
    ("learning", "结果|結果|发现|發現|観察|观察|觀察|收获|收穫|结论|結論|学到|発見|学んだ|気づ|わかった|考察"),
    ("learning", "결과|발견|배운|관찰|결론|알게"),
    ("done", "完成|做的|做了|进展|進展|工作|やった|完了|作業|実施|した事|したこと|한 일|한일|완료|진행|작업"),
    ("resource", "参考|參考|资料|資料|文献|文獻|链接|連結|リンク|참고|자료|링크|문헌"),
    ("background", "背景|目标|目標|目的|动机|動機|前提|假设|仮説|배경|목표|목적|가설"),
)
PARTS = [(kind, re.compile(words)) for kind, words in _PARTS]
"""Characters in a name that tell the kind, in scripts without blanks."""
