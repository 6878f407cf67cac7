#!/bin/sh
# Sends the report on its standard input to Trivet: an output plugin of Trivy. It needs sh, awk, sed, od, mktemp, and
# curl or wget (GNU's or busybox's); it compresses where gzip is there.
set -u
LC_ALL=C
export LC_ALL
umask 077

# The Trivet that this came from writes its own address here.
default_url='http://localhost:3000'

ATTEMPTS=5
LONGEST_PAUSE=30 # seconds
ROWS=20          # of the table of what is new

usage() {
  cat <<EOF
Usage: trivy image -f json -o plugin=trivet [--output-plugin-arg "OPTIONS"] IMAGE
   or: trivy image -f json IMAGE | trivy trivet [OPTIONS]
  --artifact NAME         whose scan it is, instead of what the report says
  --cluster NAME          cluster of Kubernetes resources
  --scanners vuln,secret  what the report looked for
  --label KEY=VALUE       a label, several times for several
  --fail-on RULES         fail if a rule is met: new:critical (not in the scan before), any:high, …, separated by
                          commas
  --timeout SECONDS       give up after so long (120)
TRIVET_URL is the address ($url), TRIVET_TOKEN the token.
Exit status: 0 it is stored, 1 it was refused or Trivet cannot be reached, 2 usage, 3 --fail-on.
EOF
}

# Text from a report or a server, for a terminal: control characters (of C1 as UTF-8 writes them), which could steer
# it, become spaces.
printable() {
  tr '\000-\037\177' ' ' | sed "s/$(printf '\302')[$(printf '\200')-$(printf '\237')]/ /g"
}

complain() {
  printf 'trivet: %s\n' "$(printf '%s' "$1" | printable)" >&2
}

# Trivy hangs when a plugin ends before it has read everything.
drain() {
  [ -t 0 ] || cat >/dev/null
}

# Ends without having sent anything: $1 is the exit status, $2 says why.
fail() {
  drain
  complain "$2"
  exit "$1"
}

encoded() {
  printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g'
}

now() {
  date +%s
}

# ------------------------------------------------------------------------------------------------ options

query=''
rules=''
timeout=120

read_options() {
  while [ $# -gt 0 ]; do
    option=$1
    shift
    case $option in
      --help)
        drain
        usage
        exit 0
        ;;
      --*=*)
        value=${option#*=}
        option=${option%%=*}
        ;;
      --artifact | --cluster | --scanners | --label | --fail-on | --timeout)
        [ $# -gt 0 ] || fail 2 "$option needs a value"
        value=$1
        shift
        ;;
    esac
    case $option in
      --artifact | --cluster | --scanners | --label)
        query="$query${query:+&}${option#--}=$(encoded "$value")"
        ;;
      --fail-on) add_rules "$value" ;;
      --timeout)
        case $value in
          '' | 0* | *[!0-9]* | ??????*) fail 2 "--timeout: \"$value\" is not a number of seconds" ;;
        esac
        timeout=$value
        ;;
      *) fail 2 "\"$option\" is not an option; --help lists them" ;;
    esac
  done
}

add_rules() {
  more=$(printf '%s' "$1" | tr '[:upper:]' '[:lower:]' | tr -d ' ')
  while [ -n "$more" ]; do
    rule=${more%%,*}
    case $more in *,*) more=${more#*,} ;; *) more='' ;; esac
    case $rule in
      '') continue ;;
      new:* | any:*) severity=${rule#*:} ;;
      *) severity='none of them' ;;
    esac
    case $severity in
      critical | high | medium | low | unknown) rules="$rules $rule" ;;
      *) fail 2 "--fail-on: \"$rule\" is not new:SEVERITY or any:SEVERITY" ;;
    esac
  done
}

# ------------------------------------------------------------------------------------------------ JSON

# Turns JSON into lines of path, tab and value: `items.0.artifact.name<tab>nginx`. Cut at the quotes, every other piece
# is text: whatever a name holds, it is never taken for structure. Its control characters become spaces.
flatten() {
  printable <"$1" | awk '
    function place() {
      return kind[depth] == "[" ? prefix[depth] count[depth] : prefix[depth] key[depth]
    }
    function emit(value) { print place() "\t" value }
    function structure(piece,   i, c, word, here) {
      for (i = 1; i <= length(piece); i++) {
        c = substr(piece, i, 1)
        if (index("{}[]:, \t\r\n", c) == 0) { word = word c; continue }
        if (word != "") emit(word == "null" ? "" : word)
        word = ""
        if (c == "{" || c == "[") {
          here = depth == 0 ? "" : place() "."
          prefix[++depth] = here; kind[depth] = c; count[depth] = 0
          isKey = c == "{"
        } else if (c == "}" || c == "]") { depth--; isKey = 0 }
        else if (c == ":") isKey = 0
        else if (c == ",") { count[depth]++; isKey = kind[depth] == "{" }
      }
    }
    function plain(piece,   i) {
      if (index(piece, "\\") > 0) {
        gsub(/\\\\/, "\001", piece)
        gsub(/\\"/, "\"", piece)
        gsub(/\\\//, "/", piece)
        gsub(/\\[bfnrt]/, " ", piece)
        gsub(/\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]/, " ", piece)
        # Not gsub: how it writes a backslash is not the same everywhere.
        while (i = index(piece, "\001")) piece = substr(piece, 1, i - 1) "\\" substr(piece, i + 1)
      }
      return piece
    }
    BEGIN { RS = "\"" }
    !inText { structure($0); inText = 1; next }
    {
      text = text $0
      if (match($0, /\\+$/) && RLENGTH % 2 == 1) { text = text "\""; next }
      if (isKey) key[depth] = plain(text); else emit(plain(text))
      text = ""; inText = 0
    }
  '
}

# The value at a path in what `flatten` made of an answer.
value_of() {
  awk -F '\t' -v path="$1" '$1 == path { print $2; exit }' "$flat"
}

# ------------------------------------------------------------------------------------------------ HTTP

choose_client() {
  if command -v curl >/dev/null 2>&1; then
    client=curl
  elif ! command -v wget >/dev/null 2>&1; then
    return 1
  elif wget --version 2>&1 | grep 'GNU Wget' >/dev/null; then
    client=wget
  else
    client=busybox
  fi
}

# One request. The token is never an argument, which every user of the machine could read, but with busybox's wget,
# which takes it in no other way.
#   $1: path and query; $2: file to send, none for a GET
# Sets `code`, 000 without an answer; the answer is in "$answer", its head in "$head".
request() {
  target=$url/$1
  file=${2-}
  : >"$answer"
  : >"$head"
  : >"$log"
  left=$((deadline - $(now)))
  [ "$left" -gt 0 ] || left=1
  request_id=trivy-plugin-$$-$(now)
  set -- "X-Request-Id: $request_id" 'Accept: application/json'
  [ -z "$file" ] || set -- "$@" 'Content-Type: application/json'
  [ -z "$file" ] || [ -z "$encoding" ] || set -- "$@" "Content-Encoding: $encoding"
  "with_$client" "$@"
  ended=$?
  status_line=$(status_line)
  code=${status_line#* }
  code=${code%%[!0-9]*}
  code=${code:-000}
  # An answer that broke off is none.
  case $ended/$code in
    0/*) ;;
    */2*) code=000 ;;
  esac
}

# `HTTP/1.1 201 Created`: the last one, for before it there may be those of a proxy, or 100. Of curl it begins the line,
# of wget it is indented or part of a complaint.
status_line() {
  tr -d '\r' <"$head" | sed -n -E 's/^( *|.*server returned error: )(HTTP\/[0-9.]+ [1-5][0-9][0-9].*)/\2/p' |
    tail -n 1
}

with_curl() {
  curl_settings "$@" | curl --silent --show-error --globoff --config - --max-time "$left" --connect-timeout 10 \
    --output "$answer" --dump-header "$head" ${file:+--data-binary "@$file"} "$target" 2>"$log"
}

curl_settings() {
  for header; do printf 'header = "%s"\n' "$header"; done
  [ -z "${TRIVET_TOKEN-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$(quoted "$TRIVET_TOKEN")"
}

quoted() {
  printf '%s' "$1" | sed 's/[\\"]/\\&/g'
}

# Ends a command that takes too long: the limit of GNU's wget is for each step alone, busybox's often has none.
limited() {
  if timeout 1 true 2>/dev/null; then timeout "$left" "$@"; else "$@"; fi
}

# It reads its settings twice, so that they have to be in a file.
with_wget() {
  for header; do printf 'header = %s\n' "$header"; done >"$settings"
  [ -z "${TRIVET_TOKEN-}" ] || printf 'header = Authorization: Bearer %s\n' "$TRIVET_TOKEN" >>"$settings"
  limited wget --config="$settings" --no-verbose --server-response --content-on-error --tries=1 --max-redirect=0 \
    --timeout="$left" --output-document="$answer" ${file:+--post-file "$file"} "$target" 2>"$head"
  ended=$?
  rm -f "$settings"
  return "$ended"
}

with_busybox() {
  [ -z "${TRIVET_TOKEN-}" ] || set -- "$@" "Authorization: Bearer $TRIVET_TOKEN"
  count=$#
  while [ "$count" -gt 0 ]; do
    set -- "$@" --header "$1"
    shift
    count=$((count - 1))
  done
  [ -z "$file" ] || set -- "$@" --post-file "$file"
  limited wget -q -S -O "$answer" "$@" "$target" 2>"$head"
}

# The same, again after a while where Trivet cannot be reached or asks for patience; 502 and 504 come from a proxy. A
# report that went in all the same is recognised when it is sent again.
request_patiently() {
  attempt=1
  pause=1
  while :; do
    request "$@"
    case $code in
      000 | 429 | 502 | 503 | 504) ;;
      *) return ;;
    esac
    wait=$(sed -n 's/^ *[Rr]etry-[Aa]fter: *0*\([0-9][0-9]*\).*/\1/p' "$head" | tail -n 1)
    wait=${wait:-$pause}
    case $wait in ???*) wait=$LONGEST_PAUSE ;; esac
    [ "$wait" -le "$LONGEST_PAUSE" ] || wait=$LONGEST_PAUSE
    [ "$attempt" -lt "$ATTEMPTS" ] && [ $(($(now) + wait)) -lt "$deadline" ] || return
    sleep "$wait"
    attempt=$((attempt + 1))
    pause=$((pause * 2))
  done
}

# Why the report was refused. busybox's wget does not show the answer to a refusal; the record of uploads has it too.
reason() {
  flatten "$answer" >"$flat"
  detail=$(value_of detail)
  line=$status_line
  if [ -z "$detail" ] && [ "$client" = busybox ]; then
    refused_id=$request_id
    request 'api/uploads?outcome=refused&limit=50'
    flatten "$answer" >"$flat"
    entry=$(awk -F '\t' -v id="$refused_id" '$2 == id && sub(/\.requestId$/, "", $1) { print $1; exit }' "$flat")
    detail=$(value_of "$entry.detail")
  fi
  printf '%s' "${detail:-$line}"
}

# ------------------------------------------------------------------------------------------------ results

# A line for each scan in the answer, of fields with a tab between them: id, what it was compared with, which rules
# are met and by how many findings, their severities, counts to print, name.
scans() {
  awk -F '\t' -v rules="$rules" '
    {
      scan = match($1, /^items\.[0-9]+\./) ? substr($1, 1, RLENGTH) : ""
      if ($1 == scan "id") order[++scanCount] = scan
      value[$1] = $2
    }
    function number(path) { return value[path] ~ /^[0-9]+$/ ? value[path] : 0 }
    function some(scan, field, what) { return number(scan field) > 0 ? ", " number(scan field) " " what : "" }
    END {
      ruleCount = split(rules, rule, " ")
      for (i = 1; i <= scanCount; i++) {
        scan = order[i]
        met = ""; severities = ""
        for (j = 1; j <= ruleCount; j++) {
          split(rule[j], part, ":")
          found = number(scan (part[1] == "any" ? "severityCounts." : "changes.newBySeverity.") part[2])
          if (found == 0) continue
          met = met (met == "" ? "" : ", ") rule[j] " " found
          severities = severities " " toupper(part[2])
        }
        counts = "C " number(scan "severityCounts.critical") ", H " number(scan "severityCounts.high") \
          ", M " number(scan "severityCounts.medium") ", L " number(scan "severityCounts.low")
        counts = counts some(scan, "severityCounts.unknown", "unknown") \
          some(scan, "misconfigurationCount", "misconfigurations") some(scan, "secretCount", "secrets")
        if ((scan "changes.new") in value)
          counts = counts "; +" number(scan "changes.new") " new, -" number(scan "changes.gone") " gone"
        print number(scan "id") "\t" number(scan "changes.against") "\t" (met == "" ? "-" : met) "\t" \
          (severities == "" ? "-" : severities) "\t" counts "\t" value[scan "artifact.name"]
      }
    }
  ' "$flat"
}

# A table of the new vulnerabilities of these severities; nothing where the token may not read.
#   $1: id; $2: id of the scan before, 0: there is none; $3: severities
table_of_new() {
  against=''
  [ "$2" = 0 ] || against="&against=$2"
  request_patiently "api/scan-results/$1/diff?change=new&limit=200$against"
  [ "$code" = 200 ] || return 0
  flatten "$answer" >"$flat"
  awk -F '\t' -v severities="$3 " -v most="$ROWS" '
    { value[$1] = $2 }
    function row(a, b, c, d, e) {
      cell[++rows, 1] = a; cell[rows, 2] = b; cell[rows, 3] = c; cell[rows, 4] = d; cell[rows, 5] = e
      for (j = 1; j <= 5; j++) {
        cell[rows, j] = substr(cell[rows, j], 1, 80)
        if (length(cell[rows, j]) > width[j]) width[j] = length(cell[rows, j])
      }
    }
    END {
      row("NEW", "VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED")
      more = value["nextCursor"] != ""
      for (i = 0; ("items." i ".change") in value; i++) {
        item = "items." i "."
        finding = item "finding."
        if (value[item "kind"] != "vulnerability") continue
        if (index(severities, " " value[finding "severity"] " ") == 0) continue
        if (rows > most) { more = 1; break }
        row(value[finding "severity"], value[finding "vulnerabilityId"], value[finding "package"], \
          value[finding "installedVersion"], value[finding "fixedVersion"])
      }
      for (i = 1; i <= rows && rows > 1; i++) {
        line = " "
        for (j = 1; j <= 5; j++) line = line sprintf(" %-" width[j] "s ", cell[i, j])
        sub(/ +$/, "", line)
        print line
      }
      if (more) print "  …"
    }
  ' "$flat"
}

print_results() {
  if ! grep -E '^\{"(id|items|ignored)":' "$answer" >/dev/null; then
    complain "$url does not answer as Trivet does"
    status=1
    return
  fi
  flatten "$answer" >"$flat"
  awk -F '\t' '$1 ~ /^(items\.[0-9]+\.)?warnings\.[0-9]+$/ && !seen[$2]++ { print "trivet: warning: " $2 }' "$flat" >&2
  awk -F '\t' '$1 ~ /^skipped\.[0-9]+\.name$/ { name = $2 }
    $1 ~ /^skipped\.[0-9]+\.reason$/ { print "trivet: skipped: " name ": " $2 }
    $1 == "ignored" { print "trivet: ignored: " $2 }' "$flat" >&2
  scans >"$list"
  verb='stored as'
  [ "$code" = 201 ] || verb='stored already as'
  while IFS='	' read -r id against met severities counts name; do
    printf 'Trivet: %s is %s scan %s: %s\n' "$name" "$verb" "$id" "$counts"
    [ "$met" = - ] && continue
    status=3
    printf '%s: %s\n' "$name" "$met"
    table_of_new "$id" "$against" "$severities" </dev/null
  done <"$list"
}

# ------------------------------------------------------------------------------------------------ all of it

url=${TRIVET_URL:-$default_url}
while [ "${url%/}" != "$url" ]; do url=${url%/}; done
read_options "$@"
case $url in
  http://?* | https://?*) ;;
  *) fail 2 "TRIVET_URL is no http address: $url" ;;
esac
case ${TRIVET_TOKEN-} in
  *[!!-~]*) fail 2 'TRIVET_TOKEN holds a character that no token has' ;;
esac
if [ -t 0 ]; then fail 2 'there is no report on the standard input'; fi
choose_client || fail 2 'neither curl nor wget is there'

folder=$(mktemp -d "${TMPDIR:-/tmp}/trivet.XXXXXX") || fail 2 'there is no place for temporary files'
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
report=$folder/report answer=$folder/answer head=$folder/head flat=$folder/flat list=$folder/list
log=$folder/log settings=$folder/settings

# What busybox's wget sends ends at the first NUL byte, of which JSON has none and gzip many.
encoding=''
if [ "$client" != busybox ] && command -v gzip >/dev/null 2>&1; then
  encoding=gzip
  gzip -c >"$report"
else
  cat >"$report"
fi || fail 2 'the report cannot be kept: is the disk full?'

status=0
deadline=$(($(now) + timeout))
request_patiently "api/scan-results${query:+?$query}" "$report"
case $code in
  200 | 201) print_results ;;
  000)
    problem=$(cat "$log" "$head" | sed '/^[[:space:]]*$/d' | tail -n 1)
    complain "$url cannot be reached: ${problem:-no answer in time}"
    status=1
    ;;
  3??)
    complain "$url leads elsewhere: TRIVET_URL has to be the address that it leads to"
    status=1
    ;;
  *)
    complain "$url refuses the report: $(reason)"
    status=1
    ;;
esac
exit "$status"
