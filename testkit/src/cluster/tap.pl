# Stands in the place of a daemon's socket, passes on what comes, and notes each request that is no GET: method, path and body in
# a line, without the token that a member joins with.
#
# The arguments are the socket, the file for the notes, and another file: while that is there, the name in it is not in what the daemon
# answers, but one of the same length. It prints the process that listens, and returns. Nodes have Perl
# without its modules, so it uses none.

# As Linux has them: the family of sockets in the file system, streams, and what an address of one looks like.
my ($unix, $stream) = (1, 1);
sub address { pack 'S a108', $unix, $_[0] }

# Passes on all of it.
sub pass {
    my ($to, $bytes) = @_;
    for (my $sent = 0; $sent < length $bytes;) {
        my $now = syswrite($to, $bytes, length($bytes) - $sent, $sent);
        last if !defined $now;
        $sent += $now;
    }
}

my ($path, $notes, $hide) = @ARGV;
my $daemon = "$path.tapped";
my $mode = (stat $path)[2];
defined $mode or die "$path: $!\n";
rename $path, $daemon or die "rename $path: $!\n";
socket(my $listener, $unix, $stream, 0) or die "socket: $!\n";
bind($listener, address($path)) or die "bind $path: $!\n";
chmod $mode & 07777, $path;
listen($listener, 64) or die "listen: $!\n";
open my $file, '>>', $notes or die "$notes: $!\n";
chmod 0600, $notes;
defined(my $child = fork) or die "fork: $!\n";
if ($child) {
    print "$child\n";
    exit;
}
open STDIN, '<', '/dev/null';
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
$SIG{CHLD} = 'IGNORE';
$SIG{HUP} = 'IGNORE';

while (1) {
    accept(my $client, $listener) or next;
    my $pid = fork;
    next if !defined $pid || $pid;
    close $listener;
    my $server;
    socket($server, $unix, $stream, 0) && connect($server, address($daemon)) or exit;
    my ($asked, $held, $name) = ('', '', '');
    if (open my $hidden, '<', $hide) {
        $name = <$hidden>;
        close $hidden;
    }
    my %ends = (fileno($client) => [$client, $server], fileno($server) => [$server, $client]);
    while (%ends) {
        my $ready = '';
        vec($ready, $_, 1) = 1 for keys %ends;
        select($ready, undef, undef, undef);
        for my $number (grep { vec($ready, $_, 1) } keys %ends) {
            my ($from, $to) = @{$ends{$number}};
            my $length = sysread($from, my $bytes, 65536);
            if (!$length) {
                delete $ends{$number};
                pass($to, $held) if $from == $server;
                # The request has ended; the reply may not have.
                shutdown($to, 1);
                next;
            }
            $asked .= $bytes if $from == $client;
            if ($name ne '' && $from == $server) {
                $bytes = $held . $bytes;
                $held = '';
                my $other = '-' x length $name;
                $bytes =~ s/\Q$name\E/$other/g;
                # What may be its beginning waits for what follows.
                for my $kept (reverse 1 .. length($name) - 1) {
                    next if $kept > length $bytes || substr($bytes, -$kept) ne substr($name, 0, $kept);
                    $held = substr($bytes, -$kept, $kept, '');
                    last;
                }
            }
            pass($to, $bytes);
        }
        # The daemon has said everything: whoever asked need not hang up first.
        last if !exists $ends{fileno($server)};
    }
    my ($head, $body) = split /\r\n\r\n/, $asked, 2;
    my ($method, $target) = split / /, $head;
    exit if !defined $target || $method eq 'GET';
    $body = '' if !defined $body;
    $body =~ s/\s+$//;
    $body =~ s/[\r\n]+/ /g;
    $body =~ s/("join_token"\s*:\s*")[^"]+/$1\[redacted join token]/g;
    syswrite($file, "$method $target $body\n");
    exit;
}
