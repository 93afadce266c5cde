"""Names of genres, to tell a list of genres from one genre whose name contains a comma or a slash.

A genre that is missing here is stored like any other; only a list that contains it stays one text.
"""

from __future__ import annotations

import re
import unicodedata

from mutagen.id3 import TCON

_AND = re.compile(r"\s*&\s*|\s+and\s+|\s*['’]\s*n\s*['’]\s*|\s+n\s+")
_NO_LETTER = re.compile(r"[\W_]+")

# Genres of iTunes and other shops whose names contain a slash.
_WITH_SLASH = """
Dance/Electronic; Folk/Americana; Hip Hop/Rap; Hip-Hop/Rap; Latin/Urban; R&B/Hip-Hop; R&B/Soul; Rap/Hip Hop;
Singer/Songwriter; Soul/R&B
"""

_ELECTRONIC = """
2 tone; 2-step; acid house; acid techno; acid trance; afro house; afrobeats; amapiano; ambient dub; ambient
house; ambient techno; balearic; baltimore club; bass house; bass music; bassline; berlin school; big room;
big room house; bleep techno; braindance; breakbeat hardcore; breakcore; breaks; broken beat; brostep;
chicago house; chill; chillstep; chillwave; chiptune; complextro; dance music; dark ambient; dark electro;
dark techno; darkcore; darkstep; deep house; deep techno; detroit house; detroit techno; digital hardcore;
disco house; disco polo; dnb; drill and bass; drone; drone ambient; drum n bass; drumstep; dub house; dub
techno; dungeon synth; edm; electro house; electro pop; electro swing; electro-funk; electro-industrial;
electroacoustic; electronic body music; electronica; euro dance; euro disco; euro trance; field recording;
filter house; florida breaks; footwork; french house; frenchcore; funky house; future bass; future funk;
future garage; future house; gabber; ghetto house; glitch; glitch hop; goa trance; grime; hands up; happy
hardcore; hard dance; hard house; hard techno; hard trance; hardcore techno; hardstyle; hardtek; hi-nrg; hip
house; hyperpop; indietronica; industrial techno; intelligent dance music; italo dance; italo disco; italo
house; jersey club; juke; jumpstyle; jungle techno; kuduro; latin house; liquid drum and bass; liquid funk;
lo-fi house; makina; melbourne bounce; melodic house; melodic techno; microhouse; midtempo; minimal; minimal
house; minimal techno; minimal wave; modular; moombahton; musique concrète; neurofunk; new beat; new rave;
nightcore; nu disco; nu jazz; nu skool breaks; organic house; outrun; phonk; plunderphonics; power
electronics; power noise; progressive breaks; progressive electronic; progressive house; progressive trance;
psybreaks; psychedelic trance; psychill; ragga jungle; raggacore; rhythmic noise; schranz; soulful house;
sound art; space disco; speed garage; speedcore; stutter house; synth; synthwave; tape music; tech house;
tech trance; techstep; trap; trap edm; tribal house; trip hop; tropical house; turntablism; uk bass; uk
funky; uk garage; ukg; uplifting trance; vaporwave; vocal house; vocal trance; wave; witch house; wonky
"""

_ROCK = """
60s; 70s; 80s; 90s; acoustic rock; aggrotech; album rock; alt-country; alternative; alternative country;
alternative hip hop; alternative metal; alternative pop; alternative rock; americana; anarcho punk;
anatolian rock; aor; arena rock; art pop; art punk; avant-garde metal; avant-prog; beatdown; bedroom pop;
blackened death metal; blackgaze; blues rock; boogie rock; brutal death metal; bubblegum; cello rock; celtic
metal; celtic punk; celtic rock; chamber pop; classic metal; coldwave; college rock; country rock; cowpunk;
crossover thrash; crust; crust punk; d-beat; dance punk; dance rock; dark wave; deathcore; deathgrind;
deathrock; desert rock; djent; doom; doom metal; dream pop; drone metal; emo pop; emocore; ethereal;
ethereal wave; experimental rock; extreme metal; folk metal; folk punk; freak folk; funk metal; funk rock;
garage punk; glam; glam metal; glam rock; goregrind; goth; goth rock; gothic metal; grindcore; groove metal;
hair metal; hardcore punk; heavy rock; horror punk; indie; indie folk; indie pop; industrial metal;
industrial rock; instrumental metal; j-metal; j-rock; jangle pop; jazz rock; kawaii metal; latin rock;
mathcore; medieval metal; medieval rock; melodic black metal; melodic death metal; melodic hardcore; melodic
metal; melodic rock; metalcore; mod; neo-prog; neo-psychedelia; neofolk; new romantic; no wave; noise; noise
pop; noise rock; nu metal; nwobhm; oi; pagan metal; piano rock; pop metal; pop punk; pop rock; post-grunge;
post-hardcore; post-metal; power metal; power pop; powerviolence; prog; prog rock; progressive; progressive
metal; proto-punk; psych; psychobilly; pub rock; queercore; rap metal; rap rock; riot grrrl; rockabilly;
roots rock; sadcore; screamo; ska punk; skate punk; slowcore; sludge; sludge metal; soft rock; southern
metal; space metal; speed metal; stoner; stoner metal; stoner rock; street punk; sunshine pop; surf; surf
rock; symphonic black metal; symphonic metal; synth punk; technical death metal; thrash; trad rock;
traditional metal; twee; twee pop; viking metal; yacht rock; zeuhl
"""

_OTHERS = """
a capella; acappella; acid jazz; acoustic blues; acoustic pop; adult contemporary; african; afro-cuban;
afro-cuban jazz; afro-funk; afrobeat; afropop; alternative r&b; alternative rap; ambient pop; anison;
arabic; art song; asian; avant-garde; avant-garde jazz; axé; bachata; baile funk; balkan; balkan brass;
ballads; barbershop; baroque pop; batucada; beatbox; big band swing; black gospel; blues; bolero; boogaloo;
boogie; boogie woogie; boom bap; bop; bossa nova; bounce; brass band; brazilian; breton; bubblegum dance;
bubblegum pop; bubblegum trance; c-pop; cajun; calypso; canción; candombe; cantata; cantautori; canterbury
scene; cantopop; cape jazz; ccm; celtic; celtic folk; cha-cha-cha; chamber; chamber jazz; champeta; chant;
charanga; charleston; chicago blues; children; children's; children's music; chill-out; chillhop; chinese;
chopped and screwed; choral; choro; christian; christian & gospel; christian hip hop; christian metal;
christian pop; christmas; city pop; classic blues; classic country; classic pop; classic soul; classical
crossover; classical guitar; classical music; cloud rap; comedy rock; compas; concerto; conjunto; conscious
hip hop; contemporary; contemporary classical; contemporary country; contemporary folk; contemporary gospel;
contemporary jazz; contemporary r&b; cool jazz; corrido; country; country blues; country folk; country
gospel; country pop; coupé-décalé; crunk; cuban; cumbia; dancehall; dansband; danzón; dark jazz; deep funk;
deep soul; delta blues; devotional; dirty south; dixieland; doo-wop; drill; dub poetry; early music; east
coast hip hop; easy; electric blues; electro hop; electronic; enka; ethio-jazz; ethnic; ethnic folk; euro
pop; europop; exercise; exotica; experimental hip hop; fado; fanfare; filk; film music; film score; filmi;
fitness & workout; flamenco; folk; folk pop; folk rock; folklore; folktronica; forró; free improvisation;
free jazz; french; french pop; funaná; funk; funk carioca; funk soul; gamelan; gangsta; german; ghazal;
gnawa; go-go; gospel blues; gqom; greek; gregorian; gregorian chant; gypsy; gypsy jazz; gypsy punk; hard
bop; hardcore hip hop; hardcore rap; harmonica blues; hawaiian; healing; highlife; hindi; hindustani; hip
hop soul; holiday; honky tonk; horrorcore; huapango; huayno; hymns; hyphy; impressionism; improvisation;
indian; indian classical; indian pop; indie hip hop; indie r&b; indie soul; instrumental hip hop; irish;
irish folk; isicathamiya; israeli; italian; italian pop; j-hip hop; j-pop; j-rap; japanese; jazz; jazz
blues; jazz funk; jazz fusion; jazz hop; jazz rap; jazz vocal; jewish; jive; joik; jump blues; k-pop; k-rap;
k-rock; karaoke; kizomba; klezmer; kompa; korean; kwaito; latin; latin alternative; latin hip hop; latin
jazz; latin pop; latin rap; latin soul; laïkó; levenslied; library music; lied; lieder; lo-fi hip hop;
lounge music; lovers rock; lullaby; makossa; mambo; mandopop; march; marching band; mariachi; marrabenta;
mbalax; mbaqanga; mbube; mediaeval; medieval; melodic rap; memphis blues; memphis rap; mento; merseybeat;
minimalism; mod revival; modal; modal jazz; modern blues; modern classical; modern composition; modern
country; modern jazz; motown; movie; mpb; mugham; murga; music hall; musicals; nasheed; nashville sound;
native; nature; neo soul; neo-classical; neoclassicism; new jack swing; new orleans jazz; norteño; northern
soul; nueva canción; nueva trova; nursery rhymes; old school hip hop; old-time; opera buffa; operetta;
oratorio; orchestral; organ; oriental; ost; outlaw country; pachanga; pansori; parody; pasillo; philly soul;
piano; piano blues; piedmont blues; piphat; plainchant; plena; poetry; political hip hop; pop rap; pop soul;
post-bop; postminimalism; praise; praise & worship; progressive bluegrass; progressive country; progressive
folk; progressive hip hop; progressive soul; protest; psychedelia; psychedelic folk; psychedelic pop;
psychedelic soul; punta; punta rock; qawwali; quiet storm; raga; ragga; ragtime; ranchera; rare groove; raï;
red dirt; reggae; reggae fusion; reggae pop; reggaeton; regional mexican; relaxation; religious;
renaissance; requiem; rhythm and blues; ritual; rnb; rock; rock steady; rocksteady; romani; romantic; roots;
roots reggae; rumba; russian; russian chanson; sacred; salsa romántica; samba rock; sambass; schlager;
score; sea shanties; sephardic; serialism; sertanejo; shanty; shibuya-kei; silent film; singer-songwriter;
skiffle; slide guitar; smooth jazz; smooth soul; snap; soca; soft pop; son; son cubano; songwriter; soul;
soul blues; soul jazz; sound collage; sound effects; soundtracks; southern gospel; southern hip hop;
southern soul; spectralism; spiritual; spiritual jazz; spirituals; spoken; spoken word; stage & screen;
standards; steelpan; stride; string quartet; sufi; swamp blues; swamp pop; swing revival; taarab; tango
nuevo; teen pop; tejano; tex-mex; texas blues; third stream; throat singing; timba; torch; traditional;
traditional country; traditional folk; traditional pop; tropical; tropicália; tropipop; trot; tuareg;
turbofolk; turkish; turkish pop; tv; uk drill; uk hip hop; underground hip hop; urban; urban contemporary;
vallenato; vals; vaudeville; vgm; video game music; videogame; visual kei; vocal; vocal jazz; vocal pop;
volksmusik; waltz; west coast hip hop; west coast rap; western; western swing; world; world fusion;
worldbeat; worship; yodel; yodeling; yé-yé; zamba; zarzuela; ziglibithy; zouk; zydeco
"""


def genre_key(name: str) -> str:
    """Return what the spellings of a known genre have in common: its letters and digits, in lower case."""
    words = unicodedata.normalize("NFKC", name).casefold()
    return _NO_LETTER.sub("", _AND.sub(" n ", words))


KNOWN_GENRES = frozenset(
    genre_key(name)
    for names in (TCON.GENRES, *(text.split(";") for text in (_WITH_SLASH, _ELECTRONIC, _ROCK, _OTHERS)))
    for name in names
)
"""The keys of all genres of ID3 and of the lists above."""
