// The style sheet of Limbeck's pages. Colours of arms are c0 (the teacher, grey) to c8; the fourth is the copper of the
// still.
#pragma once

#include <string_view>

namespace limbeck::recipes {

inline constexpr std::string_view kHtmlStyle = R"css(
:root {
  --paper: #faf8f4; --card: #fffdf9; --ink: #221f1b; --soft: #6d665c; --line: #e4ddd1; --good: #2f7d4f; --bad: #b3402e;
  --c0: #77716a; --c1: #8a6fb3; --c2: #3d7fa6; --c3: #b8592b; --c4: #5b8a3c; --c5: #a8477f;
  --c6: #2c8c84; --c7: #94701f; --c8: #4d5bb0;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171513; --card: #1f1c19; --ink: #ece6dc; --soft: #a59c8f; --line: #37322c; --good: #6cc08b; --bad: #ec8673;
    --c0: #a39c92; --c1: #b69be0; --c2: #6fb3da; --c3: #e88a55; --c4: #94c46f; --c5: #dc84b7;
    --c6: #63c7bd; --c7: #d3ab52; --c8: #97a4f0;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.75rem; }
.brand { margin: 0 0 .6rem; color: var(--c3); font-size: .8rem; font-weight: 600; letter-spacing: .12em; text-transform: uppercase; }
h1 { margin: 0 0 .8rem; font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; letter-spacing: -.015em; }
h2 { margin: 0 0 .3rem; font-size: 1.2rem; letter-spacing: -.005em; }
h3 { margin: 1.6rem 0 .5rem; font-size: .95rem; }
.lead { margin: 0; max-width: 46rem; font-size: 1.08rem; }
.note { margin: 0 0 1.1rem; max-width: 46rem; color: var(--soft); font-size: .92rem; }
section { margin-top: 3rem; }
a { color: inherit; }
code, pre { font-family: var(--mono); font-size: .82rem; }
pre { margin: 0; padding: .75rem .85rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px; line-height: 1.5; }
.facts { display: flex; flex-wrap: wrap; gap: 1px; margin: 1.6rem 0 0; background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.facts div { flex: 1 1 23%; padding: .75rem .9rem; background: var(--card); min-width: 0; }
.facts div:nth-last-child(5):first-child, .facts div:nth-last-child(5):first-child ~ div { flex-basis: 18%; }
.facts dt { color: var(--soft); font-size: .76rem; }
.facts dd { margin: .1rem 0 0; font-size: .95rem; font-weight: 600; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .55rem .6rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-size: .78rem; font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tbody th { font-weight: 600; }
td small { display: block; color: var(--soft); font-size: .76rem; }
.swatch { display: inline-block; width: .6rem; height: .6rem; margin-right: .5rem; border-radius: 50%; background: currentColor; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
.c6 { color: var(--c6); } .c7 { color: var(--c7); } .c8 { color: var(--c8); }
.plain { color: var(--ink); }
.forest, .bars { margin-bottom: 1.4rem; }
.row { display: grid; grid-template: "name plot figure" / 11.5rem 1fr 6.2rem; gap: 0 .9rem; align-items: center; font-size: .9rem; }
.row .name { grid-area: name; } .row .plot-cell { grid-area: plot; min-width: 0; }
.row .figure { grid-area: figure; text-align: right; font-variant-numeric: tabular-nums; }
.forest h3 { margin: .8rem 0 .2rem; }
.forest .row { align-items: stretch; }
.forest .name { align-self: center; padding: .1rem 0 .1rem 1.1rem; text-indent: -1.1rem; line-height: 1.25; }
.forest .plot-cell { position: relative; min-height: 26px; }
.forest svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.forest .figure { align-self: center; font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; }
.axis { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.whisker { stroke: currentColor; stroke-width: 2; stroke-linecap: round; opacity: .65; }
.dot { fill: currentColor; }
.chart { margin: 0 0 1.4rem; }
.chart figcaption { margin-bottom: .4rem; font-size: .9rem; font-weight: 600; }
.plot { display: grid; grid-template-columns: max-content 1fr; gap: .25rem .5rem; }
.plot svg { width: 100%; height: 15rem; overflow: visible; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
.plot .y, .plot .x { display: flex; justify-content: space-between; color: var(--soft); font-size: .74rem; font-variant-numeric: tabular-nums; }
.plot .y { flex-direction: column; text-align: right; }
.plot .x { grid-column: 2; }
.curve { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.curve.faint { stroke-width: 1; opacity: .3; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .2rem 0 .6rem; padding: 0; list-style: none; font-size: .86rem; }
.bars .row { margin-bottom: .4rem; }
.bars .plot-cell { height: 1.15rem; border-radius: 3px; background: var(--line); overflow: hidden; }
.bars svg { display: block; width: 100%; height: 100%; } .bars rect { fill: currentColor; }
.bars small { color: var(--soft); }
.problem { margin: 0 0 1.4rem; border: 1px solid var(--line); border-radius: 8px; background: var(--card); overflow: hidden; }
.problem > p { margin: 0; padding: .8rem .95rem; }
.problem > p b { white-space: nowrap; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); gap: 1px; background: var(--line); border-top: 1px solid var(--line); }
.answers > div { padding: .7rem .95rem .9rem; background: var(--card); min-width: 0; }
.answers pre { border: 0; border-radius: 0; padding: .4rem 0 0; background: none; }
.who { display: flex; justify-content: space-between; gap: .5rem; font-size: .84rem; font-weight: 600; }
.verdict { font-weight: 500; white-space: nowrap; } .right { color: var(--good); } .wrong { color: var(--bad); }
details { margin-top: .7rem; } summary { cursor: pointer; font-weight: 600; font-size: .92rem; padding: .3rem 0; } details pre { margin-top: .4rem; max-height: 32rem; overflow: auto; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .82rem; }
@media (max-width: 36rem) {
  main { padding: 1.5rem .9rem 3rem; } section { margin-top: 2.3rem; }
  .facts div { flex-basis: 45%; }
  .row { grid-template: "name figure" "plot plot" / 1fr max-content; gap: .1rem .9rem; } .forest .row { margin-bottom: .3rem; }
  .bars .plot-cell { height: .8rem; } .bars .row { margin-bottom: .6rem; }
  .plot svg { height: 11rem; }
}
@media print { body { background: #fff; } section { break-inside: avoid; } }
)css";

}  // namespace limbeck::recipes
