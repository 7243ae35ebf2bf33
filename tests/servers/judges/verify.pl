# Says of every signature of every letter in FOLDER/letters what Mail::DKIM makes of it.
use strict;
use warnings;
use Mail::DKIM::Verifier;

my ($folder) = @ARGV;
for my $path (sort glob("$folder/letters/*")) {
    my $verifier = Mail::DKIM::Verifier->new();
    open my $letter, '<:raw', $path or die "$path: $!";
    while (my $line = <$letter>) {
        $line =~ s/\r?\n\z//;
        $verifier->PRINT("$line\015\012");
    }
    $verifier->CLOSE;
    my ($name) = $path =~ m{([^/]+)\z};
    my @signatures = $verifier->signatures;
    print "$name\t-\tnone\n" unless @signatures;
    for my $signature (@signatures) {
        printf "%s\t%s\t%s\n", $name, $signature->algorithm, $signature->result;
    }
}
