/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The style of a report's page: light, dark as the reader prefers, always light on paper; pictures
 * shrink with the page, wide tables scroll. Part of manager/report_html.c. */
#ifndef GRAPPE_MANAGER_REPORT_STYLE_H
#define GRAPPE_MANAGER_REPORT_STYLE_H

#define REPORT_STYLE                                                                               \
	":root{--bg:#fff;--ink:#1b1f24;--dim:#57606a;--rule:#d0d7de;--soft:#f3f5f7;"               \
	"--h1:#dbe9f6;--h2:#b7d3ec;--h3:#85b6de;--h4:#5093c9;--h5:#2a6fad;--h6:#0b478a;"           \
	"--c0:#0b62c4;--c1:#b35900;--c2:#1a7f37;--c3:#8250df;--c4:#cf222e;--c5:#6e5a00;"           \
	"--c6:#8c959f;--gap:#b0b8c0}\n"                                                            \
	"@media screen and (prefers-color-scheme:dark){:root{--bg:#0d1117;--ink:#e6edf3;"          \
	"--dim:#9ea7b3;--rule:#30363d;--soft:#161b22;"                                             \
	"--h1:#11294a;--h2:#16406f;--h3:#205d9b;--h4:#3a83c8;--h5:#6fb0ea;--h6:#c2e0ff;"           \
	"--c0:#6cb6ff;--c1:#f0883e;--c2:#56d364;--c3:#d2a8ff;--c4:#ff7b72;--c5:#e3c04b;"           \
	"--c6:#8b949e;--gap:#586069}}\n"                                                           \
	"html{color-scheme:light dark;background:var(--bg);color:var(--ink);"                      \
	"-webkit-text-size-adjust:100%}\n"                                                         \
	"body{margin:0 auto;padding:1rem;max-width:68rem;overflow-wrap:anywhere;"                  \
	"font:1rem/1.5 system-ui,\"DejaVu Sans\",sans-serif}\n"                                    \
	"h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}\n"                                   \
	"h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule)}\n"           \
	"p{margin:.5rem 0}ul{padding-left:1.2rem}.dim{color:var(--dim)}\n"                         \
	"dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem;"      \
	"margin:1rem 0}dl div{background:var(--soft);padding:.5rem .8rem;border-radius:.4rem}"     \
	"dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.15rem}\n"                    \
	".scroll{overflow-x:auto}figure{margin:1rem 0}figcaption{font-size:.9rem}\n"               \
	"table{border-collapse:collapse;width:100%;font-size:.9rem}"                               \
	"caption{text-align:left;color:var(--dim);font-size:.9rem}"                                \
	"th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;"                    \
	"border-bottom:1px solid var(--rule);overflow-wrap:normal}"                                \
	"td.n,th.n{text-align:right;white-space:nowrap}td.w{overflow-wrap:anywhere;"               \
	"min-width:6rem}\n"                                                                        \
	"svg{display:block;max-width:100%;height:auto;font:11px system-ui,\"DejaVu Sans\","        \
	"sans-serif}svg text{fill:var(--ink)}svg.big{font-size:10px;min-width:36rem}"              \
	"svg.series{min-width:32rem;width:46rem}.groups "                                          \
	"text{paint-order:stroke;stroke:var(--soft);stroke-width:4px}\n"                           \
	".groups{display:flex;flex-wrap:wrap;gap:1rem}.groups figure{flex:1 1 15rem;margin:0;"     \
	"max-width:24rem;background:var(--soft);border-radius:.4rem;padding:.5rem}\n"              \
	".ground{fill:var(--soft);stroke:var(--rule)}.block{fill:none;stroke:var(--ink)}\n"        \
	".h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}"             \
	".h5{fill:var(--h5)}.h6{fill:var(--h6)}\n"                                                 \
	".e0{fill:var(--c0)}.e1{fill:var(--c1)}.e2{fill:var(--c2)}.e3{fill:var(--c3)}"             \
	".e4{fill:var(--c4)}.e5{fill:var(--c5)}.e6{fill:var(--c6)}\n"                              \
	".link{stroke:var(--dim);stroke-width:1.5}.grid{stroke:var(--rule)}"                       \
	"path{fill:none;stroke-width:2}.l0{stroke:var(--c0)}"                                      \
	".l1{stroke:var(--c1);stroke-dasharray:7 3}.l2{stroke:var(--c2);stroke-dasharray:2 3}"     \
	".l3{stroke:var(--c3);stroke-dasharray:10 3 2 3}.l4{stroke:var(--c4);stroke-dasharray:4 "  \
	"2}.l5{stroke:var(--c5);stroke-dasharray:12 4}\n"                                          \
	".hatch{stroke:var(--gap);stroke-width:2}.k0{fill:url(#unknown)}.k1{fill:var(--h2)}"       \
	".k2{fill:var(--h4)}\n"                                                                    \
	".key{display:inline-block;vertical-align:middle;margin-right:.3rem}"                      \
	".legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;list-style:none;padding:0;"            \
	"font-size:.9rem}\n"                                                                       \
	".badge{border:1px solid var(--ink);border-radius:.3rem;padding:0 .4rem}\n"                \
	"@page{margin:14mm}@media print{body{max-width:none;padding:0;font-size:10pt}"             \
	".scroll{overflow:visible}svg.series,svg.big{min-width:0}figure,tr,.groups "               \
	"figure{break-inside:avoid}"                                                               \
	"h2{break-after:avoid}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n"

#endif
