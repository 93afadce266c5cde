"""How the page of a verification report looks: dark and light, wide and narrow, on screen and on paper."""

LIGHT = (
    "--ink:#1c2030;--soft:#5f667a;--line:#dfe3ec;--accent:#5b5bd6;--grey:#c9cedb;--paper:#ffffff;"
    "--ground:#f4f5f9;--good:#1d7a46;--bad:#b3261e;--note:#8a5a00;--mute:#5f667a;"
)
DARK = (
    "--ink:#e8eaf2;--soft:#a3aac0;--line:#343a4d;--accent:#8d8df2;--grey:#525a70;--paper:#1a1e2b;"
    "--ground:#11141d;--good:#5fce91;--bad:#ff8b82;--note:#e6b45a;--mute:#a3aac0;"
)
STYLE = (
    ":root{color-scheme:light dark;" + LIGHT + "}\n"
    "@media (prefers-color-scheme:dark){:root{" + DARK + "}}\n"
    "@media print{:root{"
    + LIGHT
    + "--ground:#ffffff}}\n"
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);line-height:1.5;
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 20px 48px}
h1{font-size:26px;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 12px}
p{margin:0 0 10px;max-width:75ch}
code,bdi{overflow-wrap:anywhere}
.soft{color:var(--soft)}
.verdict{border:1px solid;border-left-width:6px;border-radius:8px;background:var(--paper);
  padding:14px 18px;margin:18px 0;font-size:18px;font-weight:600}
.verdict p{font-size:14px;font-weight:400;color:var(--ink);margin:6px 0 0}
.good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--note)}.mute{color:var(--mute)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:10px;margin:0;padding:0}
.tiles div{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tiles dt{color:var(--soft);font-size:13px}
.tiles dd{margin:0;font-size:20px;font-weight:600}
.card{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:4px 16px}
.check{display:grid;grid-template-columns:92px 1fr;gap:4px 14px;padding:12px 0;
  border-bottom:1px solid var(--line)}
.check:last-child{border:0}
.check b{font-weight:600}
.check p{margin:2px 0 0}
.state{font-size:13px;font-weight:600;padding-top:1px}
details{margin-top:4px;font-size:13px;color:var(--soft)}
summary{cursor:pointer}
.check ul{margin:4px 0;padding-left:20px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:16px;align-items:start}
.maps{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:14px 16px;
  break-inside:avoid}
figure h3{font-size:15px;margin:0 0 8px}
figure svg{display:block;width:100%;height:auto;max-width:560px;margin:0 auto}
figcaption{font-size:13px;color:var(--soft);margin-top:8px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;list-style:none;margin:0 0 12px;padding:0;font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:6px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td,tr:last-child th{border-bottom:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.n:last-child,th.n:last-child{padding-right:0}
th{font-weight:600;color:var(--soft);font-size:13px}
tbody th{color:var(--ink);font-size:14px;font-weight:400}
@media (max-width:520px){main{padding:20px 12px 32px}.check{grid-template-columns:1fr}.state{padding:0}}
@media print{main{padding:0;max-width:none}.check,.tiles div{break-inside:avoid}}
"""
)
