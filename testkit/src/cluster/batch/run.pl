# Runs commands and prints what became of them: for each `0.out`, `0.err` and `0.code`, `1.out`, … with how many bytes it
# is, and the bytes.
#
# The first argument says whether they run `together`, `in-turn` or `while-good`, the second is the seconds each of them
# has, the third the app whose shell runs those of a snap. Each command is the number of its words, the program in the
# snap, empty for a command of no snap, and its words.
#
# What a command prints goes through pipes, never to a file: on hosts with AppArmor a snap's command has no file of
# others, and what it prints there is lost without a word. A pipe can be held open by what a command leaves behind, so
# its end is not waited for, but that of the command, whose own words are in the pipe by then.
#
# It is one process that reads all pipes: with a shell there are six more for every command, which cost a member more
# than a command that needs no snap. Nodes have Perl without its modules, so it uses none.

my ($how, $limit, $app) = splice @ARGV, 0, 3;
my $after = 5;
my @commands;
while (@ARGV) {
    my ($words, $program) = splice @ARGV, 0, 2;
    push @commands, {number => scalar @commands, program => $program, words => [splice @ARGV, 0, $words]};
}

# Before a program of a snap runs, snapd looks at the host, enters the snap's mount namespace and loads a filter of system
# calls: that is ten times what the program itself takes. So one shell is started there for all of them. It is told what to
# run, by the number of the command, those of its pipes, and its words as a shell takes them, and says with which process
# each begins and with which code it ends. Job control puts each in a group of its own.
my $inside = <<'END';
set -m
while IFS= read -r -d '' request; do
    eval "set -- $request"
    {
        trap : TERM
        number=$1 out=$2 err=$3 others=$4
        shift 4
        echo "begins $number $BASHPID"
        for other in $others; do exec {other}>&-; done
        "$@" </dev/null >&"$out" 2>&"$err" {out}>&- {err}>&-
        echo "ends $number $?"
    } &
done
wait
END
my $shell;

# A process that ends ends a wait.
$SIG{CHLD} = sub { };
# That the shell has ended is seen by other means.
$SIG{PIPE} = 'IGNORE';

sub pipes {
    pipe(my $out, my $out_end) && pipe(my $err, my $err_end) or die "no pipe: $!\n";
    return (pipes => {out => $out, err => $err}, ends => [$out_end, $err_end], out => '', err => '');
}

# A process in a group of its own, as timeout(1) has it.
sub spawn {
    my ($words, $input, $ends, @kept) = @_;
    my $pid = fork // die "no process: $!\n";
    if (!$pid) {
        setpgrp;
        # 2 is F_SETFD, and 0 lets what is executed have it.
        fcntl $_, 2, 0 for @kept;
        open(STDIN, ref $input ? '<&' : '<', $input) && open(STDOUT, '>&', $$ends[0]) && open(STDERR, '>&', $$ends[1])
            or exit 126;
        exec { $$words[0] } @$words or print STDERR "cannot run $$words[0]: $!\n";
        exit 127;
    }
    return $pid;
}

sub start {
    my ($command) = @_;
    my $job = {%$command, end => time + $limit};
    if ($$command{program} eq '') {
        %$job = (%$job, pipes());
        $$job{group} = $$job{pid} = spawn($$command{words}, '/dev/null', $$job{ends});
        delete $$job{ends};
        return $job;
    }
    $shell //= shell();
    my ($number, $prepared) = ($$command{number}, $$shell{prepared});
    %$job = (%$job, %{$$prepared{$number}});
    my $quoted = sub { my ($word) = @_; $word =~ s/'/'\\''/g; "'$word'" };
    my @others = map { fileno $_ } map { @{$$prepared{$_}{ends}} } grep { $_ != $number } keys %$prepared;
    my ($out, $err) = map { fileno $_ } @{$$job{ends}};
    my @words = map { $quoted->($_) } $$command{program}, @{$$command{words}};
    syswrite $$shell{input}, "$number $out $err '@others' \"\$SNAP\"/@words\0";
    return $job;
}

# The shell, which inherits the pipes of all that it is going to run.
sub shell {
    my %prepared = map { $$_{number} => {pipes()} } grep { $$_{program} ne '' } @commands;
    my $new = {pipes(), prepared => \%prepared};
    pipe(my $requests, $$new{input}) or die "no pipe: $!\n";
    my @kept = map { @{$$_{ends}} } values %prepared;
    my @words = ('snap', 'run', '--shell', $app, '-c', $inside);
    $$new{pid} = spawn(\@words, $requests, delete $$new{ends}, @kept);
    return $new;
}

# Waits so many seconds until there is something in the pipes of jobs, and takes it. Says whether there was.
sub take {
    my ($wait, @jobs) = @_;
    my $wanted = '';
    for my $job (@jobs) { vec($wanted, fileno $_, 1) = 1 for values %{$$job{pipes}} }
    select(my $ready = $wanted, undef, undef, $wait) > 0 or return 0;
    for my $job (@jobs) {
        for my $name (keys %{$$job{pipes}}) {
            my $pipe = $$job{pipes}{$name};
            vec($ready, fileno $pipe, 1) or next;
            sysread($pipe, $$job{$name}, 65536, length $$job{$name}) or delete $$job{pipes}{$name};
        }
    }
    return 1;
}

# As much as a pipe holds where it holds most; what goes on printing is not the command.
sub rest {
    my ($job) = @_;
    for (1 .. 16) { take(0, $job) or last }
    $$job{pipes} = {};
}

# The code of the process that has just been waited for.
sub code {
    my $signal = $? & 127;
    return $signal ? 128 + $signal : $? >> 8;
}

my ($next, $good, @jobs, @running) = (0, 1);
while (@running || $next < @commands && $good) {
    while ($next < @commands && ($how eq 'together' || !@running)) {
        push @running, $jobs[$next] = start($commands[$next]);
        $next++;
    }
    # A process that ends just before the wait does not end it.
    take(0.05, @running, $shell // ());
    if ($shell) {
        if (!defined $$shell{code} && waitpid($$shell{pid}, 1) > 0) {
            $$shell{code} = code();
            rest($shell);
        }
        while ($$shell{out} =~ s/^(\w+) (\d+) (\d+)\n//) {
            if ($1 eq 'begins') { $jobs[$2]{group} = $3 } else { $jobs[$2]{code} //= $jobs[$2]{ended} // $3 }
        }
    }
    for my $job (@running) {
        if ($$job{pid} && waitpid($$job{pid}, 1) > 0) {
            my $code = code();
            $$job{code} = $code == 137 ? $code : $$job{ended} // $code;
        } elsif (defined $$job{code}) {
        } elsif (!$$job{pid} && defined $$shell{code}) {
            # What has not ended by itself will not say so.
            $$job{code} = $$job{ended} // ($$shell{code} || 1);
            $$job{err} .= $$shell{err};
        } elsif (time >= $$job{end}) {
            # What has not begun waits for the shell.
            my $group = $$job{group} // $$shell{pid};
            kill $$job{ended} ? 'KILL' : 'TERM', -$group;
            $$job{code} = 137 if $$job{ended} && !$$job{pid};
            $$job{ended} = 124;
            $$job{end} = time + $after;
        }
        if (defined $$job{code}) {
            rest($job);
            $good = 0 if $how eq 'while-good' && $$job{code};
        }
    }
    @running = grep { !defined $$_{code} } @running;
}
if ($shell) {
    # What runs in a snap is in the way of what is to be done to the snap next.
    close $$shell{input};
    my $end = time + $after;
    until (defined $$shell{code} || waitpid($$shell{pid}, 1)) {
        kill 'KILL', -$$shell{pid} if time >= $end;
        take(0.05, $shell);
    }
}
for my $number (0 .. $#jobs) {
    for my $kind ('out', 'err', 'code') {
        my $text = $jobs[$number]{$kind};
        print "$number.$kind ", length $text, "\n", $text;
    }
}
