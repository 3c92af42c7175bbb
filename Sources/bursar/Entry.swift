import BursarCommands

@main
enum Entry {
    static func main() { Bursar.runProcess() }
}
