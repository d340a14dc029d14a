# ruff: noqa: RUF001 (Greek and Cyrillic letters are meant)
"""Names of months in the languages of Europe, Turkey, Indonesia and Malaysia, long and short, also without accents.

Facts of the Unicode CLDR (https://cldr.unicode.org), format and stand-alone, without those that an English name begins
with. Words that mean one month in one language and another in the next (``listopad`` is October in Croatian, November
in Polish; ``lip``, ``lis`` and ``srp``) are left out: such dates are refused.
"""

from typing import Final

_NAMES: Final = {
    "Jan": (
        "ene enero gen gener gennaio ian ianuarie jaan jaanuar jaenner janar janeiro januara januari januarie "
        "január januára janv janvaris janvier janvāris janúar jänner led leden ledna oca ocak saus sausio sausis "
        "sij sijecanj sijecnja siječanj siječnja sty styczen styczeń stycznia tammi tammikuu tammikuuta urt "
        "urtarrila xan xaneiro yan yanvar ιαν ιανουάριος ιανουαρίου січ січень січня янв январь января яну януари "
        "јан јануари"
    ),
    "Feb": (
        "febbraio feber febreiro febrer febrero februara februari februarie februaris február februára februāris "
        "febrúar fev fevereiro fevr fevral fevrier févr février helmi helmikuu helmikuuta lut lutego luty ots "
        "otsaila peb pebruari shk shkurt sub subat uno unor unora vas vasario vasaris veebr veebruar velj veljaca "
        "veljace veljača veljače úno únor února şub şubat φεβ φεβρουάριος φεβρουαρίου лют лютий лютого фев февр "
        "февраль февраля февруари"
    ),
    "Mar": (
        "bre brezen brezna bře březen března kov kovas kovo maalis maaliskuu maaliskuuta maart mac machi maer maerz "
        "marca marcius marco marec maret mars mart martie marts martxoa marz marzec marzo març março mrt mrz márc "
        "március mär märts märz ozu ozujak ozujka ožu ožujak ožujka μάρ μάρτιος μαρ μαρτίου бер березень березня "
        "мар март марта"
    ),
    "Apr": (
        "abr abril api apirila aprel aprila aprile aprili aprilie aprilis aprill apríl apríla aprīlis avr avril bal "
        "balandis balandzio balandžio dub duben dubna d’abr d’abril huhti huhtikuu huhtikuuta kwi kwiecien kwiecień "
        "kwietnia nis nisan pri prill tra travanj travnja ápr április απρ απρίλιος απριλίου апр апрель апреля април "
        "квіт квітень квітня"
    ),
    "May": (
        "geg geguze geguzes gegužė gegužės kve kveten kvetna kvě květen května mag maggio mai maiatza maig maijs "
        "maio maj maja majus mayis mayo mayıs maí mei máj mája május svi svibanj svibnja touko toukokuu toukokuuta "
        "μάι μάιος μαΐ μαΐου май мая мај трав травень травня"
    ),
    "Jun": (
        "birz birzelio birzelis birž birželio birželis cerven cervna cvn cze czerwca czerwiec eka ekaina giu giugno "
        "haz haziran iun iunie iyn iyun juin juna junho juni junie junij junijs junio junius juny juuni jún júna "
        "június júní jūn jūnijs kesa kesakuu kesakuuta kesä kesäkuu kesäkuuta lipanj lipnja qer qershor xuno xuño "
        "červen června čvn ιουν ιουνίου ιούν ιούνιος июн июнь июня черв червень червня юни јун јуни"
    ),
    "Jul": (
        "cervence cervenec cvc heina heinakuu heinakuuta heinä heinäkuu heinäkuuta iul iulie iyl iyul juil juillet "
        "jula julai julho juli julie julij julijs julio juliol julius juuli júl júla július júlí jūl jūlijs korr "
        "korrik liep liepa liepos lipca lipiec lug luglio srpanj srpnja tem temmuz uzt uztaila xul xullo července "
        "červenec čvc ιουλ ιουλίου ιούλ ιούλιος июл июль июля лип липень липня юли јул јули"
    ),
    "Aug": (
        "abu abuztua ago agost agosti agosto agt agu agust agustos agustus aout août augusta augusti augusts "
        "augustus augusztus avg avgust avq avqust ağu ağustos d’ag d’agost elo elokuu elokuuta gush gusht kol "
        "kolovoz kolovoza ogo ogos rugp rugpjucio rugpjutis rugpjūtis rugpjūčio sie sierpien sierpień sierpnia "
        "srpen srpna ágú ágúst αυγ αυγούστου αύγ αύγουστος авг август августа серп серпень серпня"
    ),
    "Sep": (
        "eyl eylul eylül ira iraila rugs rugsejis rugsejo rugsėjis rugsėjo ruj rujan rujna sen sentyabr septemba "
        "septembar septembra septembre septembrie septembris septiembre set setembre setembro settembre sht shtator "
        "syys syyskuu syyskuuta szept szeptember wrz wrzesien wrzesień wrzesnia września zar zari zář září σεπ "
        "σεπτέμβριος σεπτεμβρίου вер вересень вересня сент сентябрь сентября сеп септември"
    ),
    "Oct": (
        "d’oct d’octubre eki ekim loka lokakuu lokakuuta octobre octombrie octubre okt oktoba oktobar oktober "
        "oktobra oktobris oktoober oktyabr október októbra ott ottobre out outubro paz pazdziernik pazdziernika paź "
        "październik października rij rijen rijna spal spalio spalis tet tetor urr urria říj říjen října οκτ "
        "οκτωβρίου οκτώβριος жовт жовтень жовтня окт октомври октябрь октября"
    ),
    "Nov": (
        "aza azaroa kas kasim kasım lapkr lapkricio lapkritis lapkričio listopadu marras marraskuu marraskuuta nen "
        "nentor noiembrie nop nopember novemba novembar novembra novembre novembris novembro noviembre noy noyabr "
        "nën nëntor nóv nóvember stu studeni studenoga νοέ νοέμβριος νοε νοεμβρίου лист листопад листопада ное "
        "ноември нояб ноябрь ноября"
    ),
    "Dec": (
        "abe abendua ara aralik aralık decembar decembra decembre decembrie decembris decembro dek dekabr des "
        "desemba desember desembre dets detsember dez dezember dezembro dhj dhjetor dic dicembre diciembre dis "
        "disember déc décembre gru grudnia grudzien grudzień gruod gruodis gruodzio gruodžio joulu joulukuu "
        "joulukuuta pro prosinac prosinca prosince prosinec δεκ δεκέμβριος δεκεμβρίου груд грудень грудня дек "
        "декабрь декабря декември"
    ),
}  # fmt: skip
MONTHS: Final = {word: month for month, words in _NAMES.items() for word in words.split()}
"""Each name in small letters: the first three letters of the month's English one."""
