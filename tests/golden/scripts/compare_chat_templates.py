#!/usr/bin/env python3
"""Renders the chat templates of a folder (*.jinja) as Transformers does and as Limbeck does, and says where they differ.

    python tests/golden/scripts/compare_chat_templates.py FOLDER [--origin=TEXT] [--write-docs]

Every template meets every chat of CHATS, with and without the prompt for an answer. A template may refuse a chat (raise_exception
or an error of Jinja): both sides must then refuse. Templates stay where they are, since they belong to those who published them;
--write-docs puts the table into docs/chat-templates.md. Needs build/release/text_test.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

from transformers.utils.chat_template_utils import render_jinja_template

ROOT = pathlib.Path(__file__).resolve().parents[3]
NOW = "2026-03-05"
WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a place, today or later.\nNot of the past.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string", "description": "Name of a town"},
                                                    "days": {"type": "integer", "description": "Days from now"},
                                                    "unit": {"type": "string", "enum": ["C", "F"], "description": "Unit"}}, "required": ["place"]},
    "return": {"type": "number", "description": "Degrees"}}}
SUM = {"type": "function", "function": {"name": "add", "description": "Adds numbers", "parameters": {
    "type": "object", "properties": {"numbers": {"type": "array", "items": {"type": "number"}, "description": "What to add"}}, "required": ["numbers"]}}}
CALL = {"id": "call12345", "type": "function", "function": {"name": "get_weather", "arguments": {"place": "Köln", "days": 2}}}
user = lambda text: {"role": "user", "content": text}
assistant = lambda text: {"role": "assistant", "content": text}
system = lambda text: {"role": "system", "content": text}
CHATS = {
    "one question": {"messages": [user("Hello, who are you?")]},
    "with a system message": {"messages": [system("You answer in rhyme."), user("  Why is the sky blue? ")]},
    "several turns": {"messages": [user("2+2?"), assistant("4"), user("And 3+3? “Quoted” é 猫"), assistant(" 6\n"), user("Good.\n\nBye")]},
    "system and turns": {"messages": [system("Be brief."), user("Hi"), assistant("<think>\nHm.\n</think>\n\nHello"), user("Bye")]},
    "ends with an answer": {"messages": [user("2+2?"), assistant("4")]},
    "tools offered": {"messages": [system("Use tools."), user("Weather in Köln?")], "tools": [WEATHER, SUM]},
    "a tool used": {"messages": [user("Weather in Köln?"), {"role": "assistant", "content": "", "tool_calls": [CALL]},
                                 {"role": "tool", "content": "12", "name": "get_weather", "tool_call_id": "call12345"}, assistant("12 degrees."), user("Thanks")], "tools": [WEATHER]},
    "roles that do not alternate": {"messages": [user("One"), user("Two")]},
    "documents": {"messages": [user("What do they say?")], "documents": [{"title": "One", "text": "First."}, {"title": "Two", "text": "Second."}]},
    "no messages": {"messages": []},
    "thinking off": {"messages": [system("Be brief."), user("Hi")], "more": {"enable_thinking": False, "thinking": False, "date_string": "05 Mar 2026"}},
}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def rendered(template, chat, prompt):
    try:
        texts, _ = render_jinja_template([chat["messages"]], tools=chat.get("tools"), documents=chat.get("documents"), chat_template=template,
                                         add_generation_prompt=prompt, **TOKENS, **chat.get("more", {}))
        return {"text": texts[0]}
    except Exception as error:  # noqa: BLE001  a template refuses with whatever Jinja or Python raises
        return {"refused": f"{type(error).__name__}: {error}"[:200]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--origin", default="")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    names = sorted(p.stem for p in pathlib.Path(options.folder).glob("*.jinja"))
    rows = []
    for name in names:
        template = (pathlib.Path(options.folder) / f"{name}.jinja").read_text(encoding="utf-8")
        for title, chat in CHATS.items():
            for prompt in (False, True):
                rows.append({"name": name, "chat": title, "template": template, **chat, "add_generation_prompt": prompt, **rendered(template, chat, prompt)})
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "rows.json"), os.path.join(folder, "out.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(rows, file, ensure_ascii=False)
        subprocess.run([ROOT / "build/release/text_test", "--gtest_filter=ChatTemplates.*", "--gtest_brief=1"],
                       env={**os.environ, "LIMBECK_CHAT_ROWS": path, "LIMBECK_CHAT_RESULTS": out}, check=False, stdout=subprocess.DEVNULL)
        results = json.load(open(out, encoding="utf-8"))
    table, differing, refused_by_name = [], 0, {}
    for name in names:
        mine = [(r, g) for r, g in zip(rows, results) if r["name"] == name]
        texts = sum("text" in r for r, _ in mine)
        different = [(r, g) for r, g in mine if r.get("text") != g.get("text")]
        unsupported = [g["refused"] for r, g in different if "text" in r and "not supported" in g.get("refused", "")]
        wrong = len(different) - len(unsupported)
        differing += wrong
        for what in unsupported:
            refused_by_name.setdefault(name, what)
        sha = hashlib.sha256(mine[0][0]["template"].encode()).hexdigest()[:12]
        table.append(f"| {name} | {sha} | {len(mine[0][0]['template'])} | {texts} | {len(mine) - texts} | {wrong} | {len(unsupported) or ''} |")
        for r, g in [d for d in different if "not supported" not in d[1].get("refused", "")][:2]:
            print(f"{name}, {r['chat']}, prompt {r['add_generation_prompt']}:\n   expected {r.get('text', r.get('refused'))!r}\n   received {g.get('text', g.get('refused'))!r}"[:1500])
    for name, what in refused_by_name.items():
        print(f"{name}: {what}")
    print(f"{len(names)} templates, {len(rows)} chats, {differing} differences, {len(refused_by_name)} templates refused in part")
    if options.write_docs:
        write_docs(table, len(names), len(rows), differing, refused_by_name, options.origin)


def write_docs(table, templates, chats, differing, refused, origin):
    path = ROOT / "docs/chat-templates.md"
    text = path.read_text(encoding="utf-8")
    begin, end = "<!-- table begins -->\n", "<!-- table ends -->"
    lines = [f"{templates} published templates, {chats} renderings, {differing} differences{', ' + str(len(refused)) + ' templates refused in part' if refused else ''}. {origin}", "",
             "| template | SHA-256 begins | characters | chats rendered | refused by both | differences | not supported |", "|---|---|---:|---:|---:|---:|---:|"] + table
    if refused:
        lines += ["", "What is refused, by its line:", ""] + [f"- {name}: `{what}`" for name, what in refused.items()]
    path.write_text(text[:text.index(begin) + len(begin)] + "\n".join(lines) + "\n" + text[text.index(end):], encoding="utf-8")


main()
