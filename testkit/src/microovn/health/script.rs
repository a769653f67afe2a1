//! The program that summarises a journal on a member.

/// Prints of the newest lines of the journal since the boot those that may tell of trouble or came often. The first argument is
/// how many lines of the journal are read, the second how many different lines are printed at the most, the third is where the
/// daemons' own log files are.
///
/// Which lines may tell of trouble is decided broadly here and exactly by the reader. Lines that differ in numbers only are
/// one: numbers are times, process ids, counters and addresses.
const SCRIPT: &str = r##"
newest=$1 most=$2 logs=$3
shopt -s nullglob
journal=(journalctl --boot --no-pager --quiet --lines="$newest" --output=short-unix)
{
    "${journal[@]}" --unit='snap.microovn.*.service'
    "${journal[@]}" _TRANSPORT=kernel + _TRANSPORT=audit + SYSLOG_IDENTIFIER=systemd-coredump
    files=("$logs"/*.log)
    ((${#files[@]})) && tail --lines=2000 --verbose -- "${files[@]}"
} | LC_ALL=C awk -v most="$most" '
    function same(text) { gsub(/[0-9a-f]*[0-9][0-9a-f]*/, "#", text); return text }
    # How tail names the file that the lines behind it are from, with an empty line before.
    /^==> .*[.]log <==$/ { log_file = substr($0, 5, length($0) - 8); sub(/.*\//, "", log_file); next }
    log_file != "" { if ($0 == "") next; $0 = "0.0 - " log_file ": " $0 }
    {
        read++
        text = $0
        if ($1 ~ /^[0-9]+[.][0-9]+$/) {
            second = substr($1, 1, index($1, ".") - 1)
            text = substr(text, index(text, " ") + 1)
            text = substr(text, index(text, " ") + 1)
            at = index(text, ": ")
            who = at ? substr(text, 1, at - 1) : "nobody"
            if (at) text = substr(text, at + 2)
            sub(/\[[0-9]+\]$/, "", who)
        }
        # Behind the first line of an entry the others are indented, and have neither time nor writer.
        sub(/^[ \t]+/, "", text)
        if (text ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T/) second = substr(text, 1, 19)
        gsub(/\t/, " ", text)
        text = substr(text, 1, 400)
        line = who "\t" same(text)
        if (!(line in count)) { order[++lines] = line; first[line] = who "\t" text }
        count[line]++
        # What begins alike is alike, as far as floods go: a flood may tell of another thing each time.
        like = who "\t" substr(same(substr(text, 1, 120)), 1, 60)
        if (!(like in begun)) { begun[like] = line }
        all[like]++
        if (second == "0") next
        if (second != last[like]) { last[like] = second; here[like] = 0 }
        if (++here[like] > often[like]) often[like] = here[like]
    }
    END {
        may = "panic|fatal|sig[a-z]+:|segfault|segmentation|dump|[|]emer[|]|assert|abort|denied|type=13|seccomp|kill|died|" \
            "exited|failed|restart|start request|start-limit|oom|out of memory|terminate|smash|corrupt|free[(][)]|malloc|" \
            "sanitizer|runtime error|race|fault|traps:|illegal instruction|bus error|timed out|watchdog"
        for (i = 1; i <= lines; i++) {
            line = order[i]
            if (tolower(first[line]) ~ may) {
                if (++printed <= most) out = out count[line] "\t0\t" first[line] "\n"
            }
        }
        for (like in begun) if (often[like] > 20) {
            if (++printed <= most) out = out all[like] "\t" often[like] "\t" first[begun[like]] "\n"
        }
        print "= journal " read + 0 " " (printed > most ? printed - most : 0)
        printf "%s", out
        print "= end"
    }'
"##;
/// So many of the newest lines of a journal are read: more than a member says in an hour when it is well.
const NEWEST: u32 = 50_000;
/// So many different lines of them are printed at the most.
const MOST: u32 = 300;
const LOGS: &str = "/var/snap/microovn/common/logs";

/// The program to run on a member; its output is read by [`Health::parse`](super::Health::parse).
pub fn argv() -> Vec<String> {
    argv_at(LOGS)
}

pub(super) fn argv_at(logs: &str) -> Vec<String> {
    ["bash", "-c", SCRIPT, "health", &NEWEST.to_string(), &MOST.to_string(), logs].map(str::to_owned).to_vec()
}
