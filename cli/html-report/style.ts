/** The page's style sheet. Tokens, chips, cards, figures and tables are those of the web page (`web/client/app.css`). */

const light = `
  --paper: #faf9f7; --card: #ffffff; --sunken: #f3f1ed; --ink: #1b1d1f; --muted: #5b6168; --line: #e5e2dc;
  --line-strong: #cfcbc3; --accent: #0f766e; --accent-soft: #d7ece9; --guard: #a4560b; --majority: #6b7280;
  --run: #1d5fb4; --run-soft: #e2ecf8; --good: #1f7a3d; --good-soft: #dff1e4; --warn: #8a5a00; --warn-soft: #faedcf;
  --bad: #b3261e; --bad-soft: #fbe3e0; --idle: #565c63; --idle-soft: #ebe9e5;`;

const dark = `
  --paper: #121416; --card: #191c1f; --sunken: #14171a; --ink: #e7e5e1; --muted: #9ba2a9; --line: #2a2e32;
  --line-strong: #41474d; --accent: #4fc4b5; --accent-soft: #17393a; --guard: #e5a15b; --majority: #9aa2ab;
  --run: #86b7f3; --run-soft: #1b2d45; --good: #7ccb92; --good-soft: #1a3323; --warn: #e6bd6a; --warn-soft: #382c12;
  --bad: #f19a92; --bad-soft: #40201e; --idle: #a7adb4; --idle-soft: #272b2f;`;

export const style = `
:root {${light}
  --sans: Inter, 'SF Pro Text', 'Segoe UI Variable Text', 'Segoe UI', system-ui, -apple-system, Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Code', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  --radius: 10px;
  color-scheme: light;
}
@media screen and (prefers-color-scheme: dark) {
  :root {${dark}
    color-scheme: dark;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 400 15px/1.5 var(--sans); font-variant-numeric: tabular-nums; -webkit-font-smoothing: antialiased; }
h1, h2, h3, p, ul, ol, dl, dd, pre { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 15px; font-weight: 650; letter-spacing: -0.003em; }
h3 { font-size: 13px; font-weight: 600; color: var(--muted); margin-top: 16px; margin-bottom: 4px; }
code, pre { font-family: var(--mono); font-size: 0.92em; }
code { overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main { max-width: 1060px; margin: 0 auto; padding: 36px 24px 64px; }
footer { color: var(--muted); font-size: 13px; margin-top: 24px; }
.muted { color: var(--muted); }
.nowrap { white-space: nowrap; }
.problem { color: var(--bad); }
.note { font-size: 14px; color: var(--muted); margin-top: 10px; max-width: 88ch; overflow-wrap: anywhere; }
.note strong { color: var(--ink); font-weight: 600; }
.note strong.problem { color: var(--bad); }
.heading { display: flex; align-items: flex-start; justify-content: space-between; gap: 16px 24px; margin-bottom: 22px; }
.heading > div { min-width: 0; }
.crumbs { font-size: 13px; color: var(--muted); margin-bottom: 6px; overflow-wrap: anywhere; }
.banner { border-radius: var(--radius); padding: 12px 16px; margin-bottom: 16px; background: var(--warn-soft); color: var(--warn); overflow-wrap: anywhere; }

.hero { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 14px 40px; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); padding: 22px 24px; margin-bottom: 16px; }
.hero h2 { font-size: 13px; font-weight: 500; color: var(--muted); }
.score { font-size: 40px; line-height: 1.15; font-weight: 650; letter-spacing: -0.025em; white-space: nowrap; }
.score .arrow { color: var(--muted); font-weight: 400; }
.gain { color: var(--accent); font-weight: 600; }
.verdict { max-width: 68ch; overflow-wrap: anywhere; }

.figures { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1px; background: var(--line); border: 1px solid var(--line); border-radius: var(--radius); overflow: hidden; margin-bottom: 16px; }
.figure { background: var(--card); padding: 14px 18px 15px; min-width: 0; }
.figure dt { font-size: 13px; color: var(--muted); }
.figure dd { font-size: 22px; line-height: 1.3; font-weight: 620; letter-spacing: -0.015em; margin-top: 2px; }
.figure dd small { display: block; font-size: 13px; font-weight: 400; letter-spacing: 0; color: var(--muted); line-height: 1.4; }
.interval { color: var(--muted); font-size: 0.86em; white-space: nowrap; }

.chip { display: inline-flex; align-items: center; font-size: 12.5px; line-height: 18px; font-weight: 600; padding: 1px 9px; border-radius: 20px; white-space: nowrap; color: var(--idle); background: var(--idle-soft); }
.chip.run { color: var(--run); background: var(--run-soft); }
.chip.good { color: var(--good); background: var(--good-soft); }
.chip.warn { color: var(--warn); background: var(--warn-soft); }
.chip.bad { color: var(--bad); background: var(--bad-soft); }

.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); padding: 18px 20px; margin-bottom: 16px; min-width: 0; }
.card > header { display: flex; align-items: baseline; justify-content: space-between; gap: 4px 12px; flex-wrap: wrap; margin-bottom: 10px; }
.card > header small { font-size: 13px; color: var(--muted); }

.scroll { overflow-x: auto; margin: 0 -20px; padding: 0 20px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 500; font-size: 13px; color: var(--muted); padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line-strong); white-space: nowrap; vertical-align: bottom; }
td { padding: 7px 16px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; }
th.number, td.number { text-align: right; white-space: nowrap; }
td:last-child, th:last-child { padding-right: 0; }
#decisions td:last-child { min-width: 260px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(350px, 100%), 1fr)); gap: 8px 40px; align-items: start; }
.columns .scroll { margin: 0; padding: 0; min-width: 0; }

svg { display: block; }
.curve { width: 100%; min-width: 600px; height: auto; }
.curve text { font: 12px var(--sans); }
.curve .tick { fill: var(--muted); }
.rule { stroke: var(--line); stroke-width: 1; }
.band { fill: var(--accent); opacity: 0.13; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
polyline.target { stroke: var(--accent); stroke-width: 2.25; }
polyline.guard { stroke: var(--guard); stroke-width: 1.75; }
line.majority { stroke: var(--majority); stroke-width: 1.5; stroke-dasharray: 6 5; }
line.reset { stroke: var(--warn); stroke-width: 1.25; stroke-dasharray: 4 4; }
circle.promoted { fill: var(--accent); stroke: var(--accent); stroke-width: 2; }
circle.discarded { fill: var(--card); stroke: var(--muted); stroke-width: 2; }
.label { font-weight: 600 !important; }
.label.target { fill: var(--accent); }
.label.guard { fill: var(--guard); }
.label.majority { fill: var(--majority); }
.label.warn { fill: var(--warn); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; color: var(--muted); margin-top: 6px; }
.legend li { display: inline-flex; align-items: center; gap: 7px; }
.legend i { display: inline-block; }
.legend .line { width: 18px; border-top: 2px solid var(--accent); }
.legend .line.guard { border-color: var(--guard); }
.legend .line.majority { border-top: 2px dashed var(--majority); }
.legend .line.reset { border-top: 2px dashed var(--warn); }
.legend .dot { width: 10px; height: 10px; border-radius: 50%; border: 2px solid var(--muted); background: var(--card); }
.legend .dot.promoted { border-color: var(--accent); background: var(--accent); }
.bar { width: 100%; min-width: 90px; height: 6px; border-radius: 3px; overflow: hidden; margin-top: 8px; }
.bar .track { fill: var(--idle-soft); }
.bar .good { fill: var(--good); }
.bar .bad { fill: var(--bad); opacity: 0.75; }
.bar .accent { fill: var(--accent); }
.bar .run { fill: var(--run); }
.dumbbell { width: 100%; min-width: 110px; max-width: 240px; height: 14px; margin-top: 4px; }
.dumbbell .rose { stroke: var(--accent); stroke-width: 2.5; }
.dumbbell .fell { stroke: var(--bad); stroke-width: 2.5; }

.block { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; font-size: 13px; line-height: 1.55; background: var(--sunken); border-radius: 6px; padding: 8px 12px; }
.copy { user-select: all; }
.unseen { font: 600 10px/14px var(--sans); color: var(--warn); background: var(--warn-soft); border-radius: 3px; padding: 0 3px; margin: 0 1px; white-space: nowrap; unicode-bidi: isolate; }
.cut { font-size: 13px; color: var(--muted); margin-top: 6px; }
.command { background: var(--sunken); border-radius: 6px; padding: 8px 12px; margin: 6px 0 0; overflow-wrap: anywhere; white-space: pre-wrap; }
details { margin-top: 14px; }
summary { cursor: pointer; font-size: 13px; font-weight: 600; color: var(--muted); margin-bottom: 6px; overflow-wrap: anywhere; }
.steps { list-style: decimal; padding-left: 20px; display: grid; gap: 8px; font-size: 14px; }

.pairs { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 24px; }
.pairs .side { font-size: 14px; color: var(--ink); }
.sample { border-top: 1px solid var(--line); padding: 12px 0 16px; }
.sample header { font-size: 13px; overflow-wrap: anywhere; }
.sample h3 { margin-top: 10px; }
.verdicts { display: grid; gap: 5px; margin-top: 10px; font-size: 13px; }
.verdicts li { display: grid; grid-template-columns: 78px minmax(0, 1fr); gap: 10px; align-items: start; overflow-wrap: anywhere; }
.verdicts .chip { justify-self: start; font-size: 12px; }
.verdicts b { font-weight: 600; }
.timeline { display: grid; gap: 10px; font-size: 14px; }
.timeline li { display: grid; grid-template-columns: 150px 150px minmax(0, 1fr); gap: 2px 12px; align-items: start; overflow-wrap: anywhere; }
.timeline time { color: var(--muted); font-size: 13px; line-height: 21px; white-space: nowrap; }
.timeline .chip { justify-self: start; white-space: normal; }

@media (max-width: 760px) {
  main { padding: 20px 16px 48px; }
  .hero { grid-template-columns: minmax(0, 1fr); padding: 16px; }
  .score { font-size: 32px; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figure { padding: 12px 14px; }
  .figure dd { font-size: 19px; }
  .card { padding: 16px; }
  .scroll { margin: 0 -16px; padding: 0 16px; }
  .pairs { grid-template-columns: minmax(0, 1fr); }
  .timeline li { grid-template-columns: minmax(0, 1fr); }
  .dumbbell { min-width: 70px; }
}
@media print {
  @page { margin: 14mm; }
  body { background: #fff; font-size: 11px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 22px; }
  .score { font-size: 30px; }
  .figure dd { font-size: 16px; }
  .card, .hero, .figures { margin-bottom: 10px; }
  .card { padding: 12px 14px; }
  h2 { font-size: 13px; }
  table, h3, summary, .note, .timeline, .steps, .crumbs, .heading .muted, footer { font-size: 10.5px; }
  .card > header small, .legend, .chip, .verdicts .chip, .hero h2, .sample header { font-size: 10px; }
  .chip { line-height: 14px; padding: 1px 7px; }
  .bar { margin-top: 4px; }
  .dumbbell { margin-top: 1px; }
  details:not([open])::details-content { content-visibility: visible; block-size: auto; }
  th, .block, .verdicts, .figure dt, .figure dd small { font-size: 10px; }
  .scroll { overflow: visible; margin: 0; padding: 0; }
  th { white-space: normal; }
  th, td { padding-right: 8px; }
  #decisions td:last-child { min-width: 0; }
  .curve { min-width: 0; }
  .bar { min-width: 50px; }
  tr, .sample header, .hero, .figures, .verdicts li, .timeline li, .curve { break-inside: avoid; }
  h2, h3, .card > header { break-after: avoid; }
}
`;
