// The style of all pages: one block for each scheme, then what uses it.
#include "report/page_style.h"

namespace backdrop {

const char* const kPageStyle = R"(:root { color-scheme: light dark;
  --paper: #f7f8f9; --card: #ffffff; --ink: #1b2027; --soft: #55606b; --line: #d5dae0;
  --bad: #ad3f22; --good: #1f6a93; --link: #14598a; --heat: 214 92 58; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #13171b; --card: #1a1f25; --ink: #e8ecf0; --soft: #a5b0bb; --line: #353d46;
  --bad: #f2997f; --good: #7cbbe3; --link: #8cc6ee; --heat: 226 104 70; } }
@media print { :root { color-scheme: light;
  --paper: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb;
  --bad: #ad3f22; --good: #1f6a93; --link: #000000; --heat: 214 92 58; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper); overflow-wrap: anywhere; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; } footer { padding: 1.5rem 1.5rem 3rem; color: var(--soft); font-size: .875rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; } h2 { font-size: 1.375rem; margin: 3.5rem 0 .25rem; }
h3 { font-size: 1.125rem; margin: 2.25rem 0 .25rem; } h4 { font-size: .9375rem; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; } a { color: var(--link); }
.soft, figcaption, caption { color: var(--soft); }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 1.25rem 0 0; padding: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem; margin: 1.5rem 0 .75rem; padding: 0; }
.cards div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; }
.cards dt { color: var(--soft); font-size: .875rem; }
.cards dd { margin: 0; font-size: 1.75rem; overflow-wrap: normal; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards dd span { display: block; font-size: .875rem; font-weight: 400; color: var(--soft); line-height: 1.4; }
.scroll { overflow-x: auto; margin: 1rem 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .25rem 1rem .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; font-size: .875rem; padding: .5rem 0; }
th, td { text-align: left; padding: .375rem .625rem; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th, tbody th { font-weight: 600; } tbody th { white-space: nowrap; } tbody tr:last-child > * { border-bottom: 0; }
tr > :first-child { padding-left: 0; } .number { text-align: right; } .facts td { overflow-wrap: anywhere; }
.facts th { width: 16rem; white-space: normal; }
.own { color: var(--soft); }
.heat1 { background: rgb(var(--heat) / .04); } .heat2 { background: rgb(var(--heat) / .08); }
.heat3 { background: rgb(var(--heat) / .13); } .heat4 { background: rgb(var(--heat) / .18); }
.heat5 { background: rgb(var(--heat) / .23); } .heat6 { background: rgb(var(--heat) / .28); }
.heat7 { background: rgb(var(--heat) / .33); } .heat8 { background: rgb(var(--heat) / .38); }
.heat9 { background: rgb(var(--heat) / .43); } .heat10 { background: rgb(var(--heat) / .48); }
.matrix table { font-size: .8125rem; } .matrix thead th { font-size: .75rem; vertical-align: bottom; }
.meter { display: block; width: 100%; min-width: 6rem; height: .75rem; margin-top: .375rem; }
svg text { fill: var(--soft); font-size: 12px; } .bad { fill: var(--bad); } .good { fill: var(--good); }
.track, .grid { fill: none; stroke: var(--line); } .track { fill: var(--line); stroke: none; } .axis { stroke: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; margin: 1rem 0; }
.chart { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; min-width: 0; }
.chart > svg { display: block; width: 100%; height: auto; } .chart figcaption { font-size: .875rem; }
.chart strong { display: block; color: var(--ink); }
details { margin: .5rem 0; font-size: .875rem; } summary { color: var(--link); cursor: pointer; width: fit-content; }
details .scroll { border: 0; padding: 0; } pre { overflow-x: auto; margin: .5rem 0; font-size: .8125rem; }
.shots { display: flex; flex-wrap: wrap; gap: 1rem; margin: .5rem 0 0; padding: 0; list-style: none; }
.shot { margin: 0; width: 152px; font-size: .8125rem; line-height: 1.35; } .pair { width: 314px; }
.above { display: block; font-size: 1.125rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.above small { font-size: .8125rem; font-weight: 400; color: var(--soft); }
.pictures { display: flex; gap: 10px; } .shot img { display: block; width: 152px; height: 152px; object-fit: cover;
  border-radius: .25rem; background: var(--line); margin-bottom: .25rem; }
.class { border-top: 1px solid var(--line); margin-top: 2rem; } .class h3 { margin-top: 1.25rem; }
.class .scroll { max-width: 40rem; }
@media print {
  @page { margin: 14mm; } body { font-size: 10pt; } h2 { margin-top: 1.5rem; } table { font-size: 8.5pt; } nav, .skip, summary { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer { max-width: none; padding: 0; } header { padding-top: 0; }
  .scroll { overflow: visible; } .cards dd { font-size: 18pt; } .matrix table { font-size: 7pt; } .matrix thead th { font-size: 6.5pt; }
  th, td { padding: .25rem .3rem; } .shot, .shot img { width: 100px; } .shot img { height: 100px; } .pair { width: 210px; }
  figure, tr, .cards div, .chart, .matrix .scroll, .class .scroll { break-inside: avoid; } h2, h3, h4, caption { break-after: avoid; } }
)";

}  // namespace backdrop
