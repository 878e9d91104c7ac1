#!/usr/bin/env python3
"""Writes tests/golden/text/chats.json: chats as Transformers renders them from templates of the known families.

    python tests/golden/scripts/make_tokenizer_chat_golden.py tests/golden/text/chats.json

The templates are written for this test in the styles that models ship; SmolLM2's own comes from its GGUF file at test time.
"""
import json
import sys

from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
              "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "chatml with a default system message": """\
{%- if messages[0].role == "system" -%}
    {%- set system = messages[0].content -%}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set system = "You are a careful helper." -%}
    {%- set rest = messages -%}
{%- endif -%}
<|im_start|>system
{{ system }}<|im_end|>
{% for m in rest %}
    {% if m.role == "user" or (m.role == "assistant" and not m.tool_calls) %}
<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
    {% elif m.role in ['tool', "function"] %}
<|im_start|>tool ({{ loop.index0 }})
{{ m.content | tojson }}<|im_end|>
    {% else %}
{{ raise_exception("unknown role: " ~ m.role) }}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
""",
    "llama-3 headers": """\
{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}\
{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}""",
    "mistral": """\
{%- if messages[0]["role"] == "system" %}{% set system_message = messages[0]["content"] %}{% set loop_messages = messages[1:] %}{% else %}{% set loop_messages = messages %}{% endif -%}
{{- bos_token }}
{#- turns must alternate #}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {%- if loop.last and system_message is defined %}
            {{- '[INST] ' + system_message + '\n\n' + message['content'] + ' [/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + ' [/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content']|trim + eos_token }}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported!') }}
    {%- endif %}
{%- endfor %}
""",
    "turns with a namespace": """\
{{ bos_token }}{% set ns = namespace(system='', count=0) %}{% for m in messages if m['role'] == 'system' %}{% set ns.system = m.content %}{% endfor %}
{%+ if ns.system %}
### System: {{ ns.system | trim | upper }}
{% endif %}
{% for m in messages %}
{% if m.role == 'system' %}{% continue %}{% endif %}
{% set ns.count = ns.count + 1 %}
### {{ m.role | capitalize }} {{ ns.count }}{{ ' (last)' if loop.last else '' }}{% if m.content.startswith('!') %} shouts{% endif %}:
{{ m['content'].strip() | replace('\\n', ' / ') }}
{% if m.role == 'assistant' %}{% generation %}{{ eos_token }}{% endgeneration %}{% endif %}
{% else %}
nobody spoke
{% endfor %}
{{- messages | length }} messages, roles {{ messages | map(attribute='role') | join(', ') }}
{%- if add_generation_prompt and messages[-1].role != 'assistant' %}

### Assistant:
{%- endif %}
""",
    "thoughts cut from earlier answers": """\
{%- set ns = namespace(last=-1) %}
{%- for m in messages[::-1] %}
    {%- set i = (messages|length - 1) - loop.index0 %}
    {%- if ns.last < 0 and m.role == "user" %}{%- set ns.last = i %}{%- endif %}
{%- endfor %}
{%- for m in messages %}
    {%- set content = m.content if m.content is string else '' %}
    {%- if m.role == 'assistant' and '</think>' in content and loop.index0 < ns.last %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<' ~ m.role ~ '>' ~ content ~ '</' ~ m.role ~ '>' }}
    {%- if not loop.last and loop.nextitem.role == m.role %}{{- '\\n(same)' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<assistant>' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think></think>' }}{%- endif %}{%- endif %}""",
    "expressions": """\
{% set d = {'a': 1, "b": [1, 2.5, 'x'], 'c': none} %}{{ d.a + 2 * 3 - 1 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 'a' ~ 1 ~ none ~ true }}
{{ d.b[-1] }}{{ d.b[7] }}{{ d['c'] is none }} {{ d.zzz is defined }} {{ d.zzz|default('dflt') }} {{ ''|default('e', true) }} {{ [1, 2] + [3] }} {{ d.b|tojson }} {{ 'é\\u00e9"'|tojson }}
{{ 'abc'[1:] }} {{ 'abcdef'[::2] }} {{ 'abc'[::-1] }} {{ 'äöü'|length }} {{ [1,2,3][:-1] }} {{ 2 in [1, 2] }} {{ 'x' not in 'abc' }} {{ not true or 1 == 1.0 }} {{ 1 < 2 and 'a' < 'b' }}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %} {% for x in range(2, 8, 3) %}{{ x }}{{ ',' if not loop.last }}{% endfor %} {{ ['b', 'a']|first }}{{ 'xy'|last }} {{ ' a b  c '.split() }} {{ 'a--b'.split('--') }}
{% set block %}  inner {{ d.a }}{% endset %}[{{ block }}] {{ (1, 2)|join('-') }} {{ 3 is odd }} {{ 4 is divisibleby 2 if false else 'no' }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ 'a' 'b' }} {{ "it's" }} {{ ["it's", 'q'] }}
{%- if messages is mapping %} mapping{% elif messages is iterable and messages is not string %} list{% endif %} {{ '%s' }} {{ '{{' }} {{ {'k': {'n': 1}}['k']['n'] }} {{ d.get('q', 'none') }} {{ 'Title Case'.lower() }} {{ 12|string + 'x' }} {{ '42'|int + 1 }}
""",
    "tools by macros": """\
{%- macro kind_of(schema) -%}
    {%- if schema.type == 'array' -%}list of {{ kind_of(schema['items']) }}
    {%- elif schema.type == 'object' -%}{ {%- for key, value in schema.properties.items() %}{{ key }}{{ '' if key in (schema.required or []) else '?' }}: {{ kind_of(value) }}{{ ', ' if not loop.last }}{% endfor -%} }
    {%- elif schema.enum is defined -%}{{ schema.enum | map('tojson') | join(' or ') }}
    {%- else -%}{{ schema.type }}{%- endif -%}
{%- endmacro -%}
{%- macro show_tool(tool, number=1) %}
{{ number }}. {{ tool.name }}({{ kind_of(tool.parameters) }})
{{ tool.description | indent(3, first=true) }}
{% endmacro -%}
{%- if messages and messages[0].role == 'system' %}{% set system, rest = messages[0].content, messages[1:] %}{% else %}{% set system, rest = none, messages %}{% endif -%}
{%- if tools %}
# Tools
{%- for tool in tools %}
{{- show_tool(tool.function, number=loop.index) }}
{%- endfor %}
{{ tools | map(attribute='function') | map(attribute='name') | sort | join(', ') }} | {{ tools | tojson(indent=2) }}
{% endif -%}
{%- for m in rest %}
    {%- if m.tool_calls is defined and m.tool_calls %}
        {%- for call in m.tool_calls %}
            {%- set call = call.function if call.function is defined else call %}
            {{- '<call>' ~ {'name': call.name, 'arguments': call.arguments} | tojson ~ '</call>\\n' }}
        {%- endfor %}
    {%- elif m.role == 'tool' %}
        {{- '<result>' }}{{ m.content if m.content is string else m.content | tojson(sort_keys=true) }}{{ '</result>\\n' }}
    {%- elif m.content is not string %}
        {%- for part in m.content | selectattr('type', 'equalto', 'text') %}{{- part.text | title }}{% endfor %}
    {%- else %}
        {{- m.role ~ ': ' ~ m.content | trim ~ '\\n' }}
    {%- endif %}
{%- endfor %}
{{- '=' * 3 }}{{ (system or 'none') | upper }}
""",
    "whitespace": "  {% if true %}\n  a\n  {%- endif %}\n\t{# note #}\n b {%- if false %} x {% endif -%}\n\n c\n   {{- 'd' -}}   \n e{% if true %}f\n{% endif %}\n  {%+ if true %}g{% endif +%}\nh\r\ni{{ '\\n' }}\n\n",
}
CHATS = [
    [{"role": "user", "content": "Hello there"}],
    [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "  What is 2+2?\n"}, {"role": "assistant", "content": " 4 "}, {"role": "user", "content": "!and \"3\" é 😀?"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "<think>hm</think>\n\nb"}, {"role": "user", "content": "line\nbreak"}, {"role": "assistant", "content": "<think>x</think>y"}],
    [{"role": "user", "content": ""}, {"role": "user", "content": "{{ 1 }} {% if %}"}],
    [{"role": "system", "content": "only"}],
    [{"role": "narrator", "content": "odd role"}],
    [{"role": "user", "content": "Weather in Köln?"}, {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {
        "name": "weather", "arguments": {"place": "Köln", "days": [1, 2]}}}]}, {"role": "tool", "content": {"b": 1.5, "a": None}}, {"role": "assistant", "content": "Fine."}],
    [{"role": "user", "content": [{"type": "text", "text": "two parts"}, {"type": "image"}]}],
]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "Says the weather.\nOf a town.", "parameters": {
    "type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "array", "items": {"type": "integer"}},
                                     "unit": {"type": "string", "enum": ["C", "F"]}}, "required": ["place"]}}},
         {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}}}]


def main():
    rows = []
    for name, template in TEMPLATES.items():
        for messages in CHATS:
            for prompt in (False, True):
                tools = TOOLS if "tools" in name else None
                row = {"name": name, "template": template, "messages": messages, "tools": tools, "add_generation_prompt": prompt}
                try:
                    rendered, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=prompt, tools=tools,
                                                        bos_token="<s>", eos_token="</s>")
                    row["text"] = rendered[0]
                except Exception as error:  # the template refuses
                    row["refused"] = str(error)
                rows.append(row)
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    print(len(rows), "chats,", sum("refused" in r for r in rows), "refused")


main()
