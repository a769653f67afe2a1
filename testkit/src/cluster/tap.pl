# Stands in the place of a daemon's socket, passes on what comes, and notes each request that is no GET: method, path and body in
# a line, without the token that a member joins with.
#
# The arguments are the socket and the file for the notes. It prints the process that listens, and returns. Nodes have Perl
# without its modules, so it uses none.

# As Linux has them: the family of sockets in the file system, streams, and what an address of one looks like.
my ($unix, $stream) = (1, 1);
sub address { pack 'S a108', $unix, $_[0] }

my ($path, $notes) = @ARGV;
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
    my $asked = '';
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
                # The request has ended; the reply may not have.
                shutdown($to, 1);
                next;
            }
            $asked .= $bytes if $from == $client;
            for (my $sent = 0; $sent < $length;) {
                my $now = syswrite($to, $bytes, $length - $sent, $sent);
                last if !defined $now;
                $sent += $now;
            }
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
